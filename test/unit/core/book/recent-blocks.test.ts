import { expect, it } from "vitest";
import { CHAIN_ID, chainDeployment } from "../../../../bench/workload/setting.ts";
import { ADAPTERS } from "../../../../src/adapters/catalogue.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { createParts } from "../../../../src/core/book/parts.ts";
import { scheduleOf } from "../../../../src/core/rules/schedule.ts";
import { BOOK } from "../../rules/figures.ts";

const KEPT = 96n;
const hash = `0x${"00".repeat(32)}` as const;

it("still tells the finality lag of the earliest block an undo can lead back to", () => {
  const chain = chainDeployment();
  const settings = { chain, adapters: ADAPTERS, schedule: scheduleOf(BOOK), deploymentHash: hash };
  const { recent } = createParts(settings, { journal: new Journal(), kept: KEPT });
  for (let number = 1n; number <= 320n; number++) recent.note({ number, hash, parentHash: hash, timestamp: number });
  recent.forget(320n);
  const earliest = 320n - KEPT;
  const final = earliest - BigInt(chain.finalityBlocks as number);
  expect(chain.chainId).toBe(CHAIN_ID);
  expect(recent.timestampAt(final)).toBe(final);
  expect(recent.timestampAt(final - 1n)).toBeUndefined();
});

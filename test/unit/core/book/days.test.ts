import { describe, expect, it } from "vitest";
import { createFolder } from "../../../../bench/fold.ts";
import { synthetixAnswers } from "../../../../bench/workload/answers.ts";
import type { LogSpec } from "../../../../bench/workload/log.ts";
import { createPrices } from "../../../../bench/workload/prices.ts";
import { accountOf } from "../../../../bench/workload/setting.ts";
import { SynthetixSession } from "../../../../bench/workload/synthetix.ts";
import type { Assessment } from "../../../../src/core/assessment.ts";

const WAD = 10n ** 18n;
const HOLDER = accountOf(1);
const SUBJECT = `eip155:903:${HOLDER}`;
const NOON = 1_775_131_200n;
const DAY = 86_400n;
/** All of one issuer, far above the 15 % the rule allows. */
const RULE = "EU-UMR-CONC-ISSUER";

describe("the days of an account", () => {
  it("are tested while it has something, and once more when it has nothing, so that what it broke is over", async () => {
    const prices = createPrices({ seed: 1, blocks: 10 });
    const synthetix = new SynthetixSession(prices, NOON);
    const { fold } = createFolder();
    const made: Assessment[] = [];
    let number = 1n;
    const block = async (timestamp: bigint, transactions: LogSpec[][]) => {
      number++;
      const taught = number === 2n ? synthetixAnswers(synthetix, timestamp) : [];
      const hash = (n: bigint) => `0x${n.toString(16).padStart(64, "0")}` as const;
      const ref = { number, timestamp, hash: hash(number), parentHash: hash(number - 1n) };
      made.push(...(await fold({ number, timestamp, taught, transactions }, ref)).outcome.assessments);
    };
    const transfer = (amount: bigint, timestamp: bigint) => [
      synthetix.transfer(HOLDER, "ETH", { amount: amount * WAD, timestamp }),
    ];
    await block(NOON, [prices.step({ index: 0, timestamp: NOON }), ...synthetix.open()]);
    await block(NOON + 12n, transfer(1000n, NOON + 12n));
    await block(NOON + DAY, []);
    await block(NOON + 2n * DAY, transfer(-1000n, NOON + 2n * DAY));
    await block(NOON + 3n * DAY, []);
    await block(NOON + 4n * DAY, []);
    const found = made.filter((a) => a.ruleId === RULE && a.subject === SUBJECT);
    expect(found.map((a) => [a.testPoint, a.condition, a.reason])).toEqual([
      ["day:2026-04-02", "not_met", null],
      ["day:2026-04-03", "not_met", null],
      ["day:2026-04-04", "met", "NO_POSITION"],
    ]);
  });
});

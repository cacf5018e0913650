import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordGround } from "../../../server/ledger/genesis.ts";
import { openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { parseDeployment } from "../../../src/core/deployment.ts";
import type { Deployment } from "../../../src/core/margin-model.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { DEPLOYMENT } from "../../server/support/world.ts";
import { RULEBOOK, SIGNER } from "../proof/sample.ts";

const deployment = parseDeployment(JSON.stringify(DEPLOYMENT), "test");

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-ground-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** Starts under a deployment; from which block on what is sealed of the chain can then be compared. */
function startedUnder(of: Deployment): number {
  const ledger = openLedger(store, { signer: SIGNER });
  recordGround(store, ledger, {
    ...{ schedule: scheduleOf(RULEBOOK), deployment: of, facts: null },
    secret: new Uint8Array(32),
  });
  return store.read.prepare("SELECT comparable_from FROM chain").pluck().get() as number;
}

function sealUpTo(number: number): void {
  store.connection.prepare("DELETE FROM chain").run();
  store.connection
    .prepare(
      `INSERT INTO chain (chain, sealed_number, sealed_hash, sealed_timestamp, comparable_from)
       VALUES ('eip155:901', ?, '0x00', '0', 0)`,
    )
    .run(number);
}

test("what was sealed under another deployment is not compared with what is said under this one", () => {
  startedUnder(deployment);
  sealUpTo(7);
  expect(startedUnder(structuredClone(deployment))).toBe(0);
  expect(startedUnder({ ...deployment, name: "another" })).toBe(8);
});

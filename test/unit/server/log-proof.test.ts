import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../../server/http/app.ts";
import { addLog } from "../../../server/http/log.ts";
import { factEntry } from "../../../server/ledger/entry.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { parseTlogProof } from "../../../src/core/log/tlog-proof.ts";
import { verifyTlogFile } from "../../../src/core/log/verify-tlog-proof.ts";
import { SIGNER } from "../proof/sample.ts";

const LEAVES = 5;

let folder: string;
let store: Store;
let ledger: Ledger;
let app: ReturnType<typeof createApp>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-log-proof-"));
  store = openStore(folder);
  ledger = openLedger(store, { signer: SIGNER });
  const limiter = { consume: async () => {} } as never;
  app = createApp({
    ...{ roleOf: () => ({ name: "public" }), limiters: { requests: limiter, wrongKeys: limiter } },
    onError: (error) => {
      throw error;
    },
  });
  addLog(app, ledger);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function append(): void {
  const entries = Array.from({ length: LEAVES }, (_, i) => factEntry(`${i}`.padStart(64, "f")));
  store.transaction(() => ledger.append(entries));
}

const refusal = async (index: string) => {
  const response = await app.request(`/log/proof/${index}`);
  return [response.status, ((await response.json()) as { error: string }).error];
};

describe("/log/proof", () => {
  it("gives every sealed leaf with its tlog-proof", async () => {
    append();
    ledger.publish();
    for (let index = 0; index < LEAVES; index++) {
      const response = await app.request(`/log/proof/${index}`);
      expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
      const bytes = new Uint8Array(await response.arrayBuffer());
      expect(verifyTlogFile(bytes, { logKeys: [SIGNER.verifierKey] }).status).toBe("verified");
      const proof = parseTlogProof(new TextDecoder().decode(bytes));
      expect([proof.index, proof.note]).toEqual([index, ledger.head()?.note]);
      expect(Buffer.from(proof.extra as Uint8Array)).toEqual(Buffer.from(ledger.data(index, 1)[0] as Uint8Array));
    }
  });

  it("has nothing of a leaf that is not under a signed head", async () => {
    expect(await refusal("0")).toEqual([404, expect.stringMatching(/The log has 0 leaves .* leaf 0 /)]);
    append();
    expect(await refusal("0")).toEqual([404, expect.any(String)]);
    ledger.publish();
    expect(await refusal(String(LEAVES))).toEqual([404, expect.stringMatching(/The log has 5 leaves .* leaf 5 /)]);
    expect(await refusal("999999999999999")).toEqual([404, expect.any(String)]);
  });

  it.each(["x", "-1", "01", "1.0", "1e3", "0x1", "%20", "9".repeat(16), "%00", "1%0a"])(
    "refuses the index %s in a sentence",
    async (index) => {
      append();
      ledger.publish();
      expect(await refusal(index)).toEqual([400, "A leaf has an index of decimal digits."]);
    },
  );
});

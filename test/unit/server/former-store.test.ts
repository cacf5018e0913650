import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCosignatures } from "../../../server/cosigners/cosignatures.ts";
import { bundleOf, type ProofSources } from "../../../server/http/proofs.ts";
import { assessmentEntry, type LeafRow, leafRowOf, rulebookEntry, verdictEntry } from "../../../server/ledger/entry.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { MIGRATIONS } from "../../../server/store/migrations.ts";
import { createCoverage } from "../../../server/witnesses/coverage.ts";
import { wantEvidence } from "../../../server/witnesses/keeper.ts";
import type { Assessment } from "../../../src/core/assessment.ts";
import { parseBundle } from "../../../src/core/proof/bundle.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { MerkleTree } from "../../../src/core/proof/merkle.ts";
import { checkpointText } from "../../../src/core/proof/note.ts";
import { blindVerdict } from "../../../src/core/proof/verdict.ts";
import { rulebookFrom } from "../../../src/core/rules/rule.ts";
import { RULEBOOK, SIGNER, sampleAssessment } from "../proof/sample.ts";

const SECRET = new Uint8Array(32).fill(2);
const FORMER = rulebookFrom({
  format: "plumbline-rulebook/1",
  files: (RULEBOOK.source as { files: Json }).files,
});

/** An assessment of the kernel before, which named no deployment. */
const former = sampleAssessment({ kernel: "plumbline-kernel/2", rulebookHash: FORMER.hash });
Reflect.deleteProperty(former, "deploymentHash");
const verdict = blindVerdict(former, {
  verdict: { outcome: "breach", profile: "retail", missing: [] },
  secret: SECRET,
}).body;

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-former-"));
  writeFormer();
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** A store as the release before left it: a rulebook, an assessment and its verdict, signed. */
function writeFormer(): void {
  mkdirSync(join(folder, "server"));
  const raw = new Database(join(folder, "server", "ledger.sqlite"));
  raw.exec(MIGRATIONS[0] as string);
  raw.pragma("user_version = 1");
  const tree = new MerkleTree();
  const insert = raw.prepare(
    `INSERT INTO leaf VALUES (@index, @hash, @kind, @refId, @chain, @blockNumber, @blockHash, @subject, @ruleId,
      @outcome, @assurance, @data, @body)`,
  );
  const rows: LeafRow[] = [rulebookEntry(FORMER.source), assessmentEntry(former), verdictEntry(verdict)].map(leafRowOf);
  for (const row of rows) {
    insert.run(row);
    tree.append(Buffer.from(row.hash, "hex"));
  }
  const head = { origin: SIGNER.name, size: tree.size, root: tree.root(), extensions: [] };
  raw
    .prepare("INSERT INTO checkpoint VALUES (?, ?, ?)")
    .run(tree.size, Buffer.from(tree.root()).toString("hex"), SIGNER.sign(checkpointText(head)));
  raw
    .prepare(
      "INSERT INTO verdict VALUES (?, ?, ?, 4711, ?, 4711, 0, ?, ?, ?, 'EU', 1, 'retail', 'breach', '[]', 'sealed')",
    )
    .run(verdict.id, former.id, former.chain, former.blockHash, former.protocol, former.subject, former.ruleId);
  raw.close();
}

const sourcesOf = (ledger: Ledger): ProofSources => ({
  ...{ store, ledger, secret: SECRET },
  cosignatures: createCosignatures(store, { keys: [], quorum: 0 }),
  anchoredHeads: () => [],
});

describe("a store of the release before", () => {
  test("opens with its log as it was, every entry attested", () => {
    const ledger = openLedger(store, { signer: SIGNER });
    expect(ledger.head()?.size).toBe(3);
    const entries = store.read.prepare("SELECT kind, assurance FROM ledger_entry ORDER BY idx").all();
    expect(entries).toEqual(["rulebook", "assessment", "verdict"].map((kind) => ({ kind, assurance: "attested" })));
    expect(createCoverage(store, () => 3)()).toMatchObject({
      figures: { attested: { count: 1, share: "1.0000" } },
      sealed: { attested: { count: 3, share: "1.0000" } },
      capture: { waiting: 0, kept: 0, failed: 0, reasons: [] },
    });
  });

  test("says in one sentence that what an earlier kernel sealed has no bundle, whoever asks", () => {
    const sources = sourcesOf(openLedger(store, { signer: SIGNER }));
    for (const role of [{ name: "public" }, { name: "supervisor", scope: "*" }] as const) {
      for (const id of [former.id, verdict.id]) {
        expect(bundleOf(sources, { id, role })).toMatch(
          /^This was sealed under plumbline-kernel\/2, .*no bundle of it\.$/,
        );
      }
    }
  });

  test("goes on: what comes now has a bundle, under the former rulebook too, and may want evidence", () => {
    const ledger = openLedger(store, { signer: SIGNER });
    const now: Assessment = sampleAssessment({ rulebookHash: FORMER.hash });
    store.transaction(() => {
      ledger.append([assessmentEntry(now)]);
      wantEvidence(store.db, now, 4711);
    });
    ledger.publish();
    expect(createCoverage(store, () => 4)().capture.waiting).toBe(1);
    const bundle = bundleOf(sourcesOf(ledger), { id: now.id, role: { name: "public" } });
    expect(parseBundle(bundle as Uint8Array).bundle.claims.assurance).toBe("attested");
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnchoredHeads } from "../../server/cosigners/bundle-head.ts";
import { type Gathering, startGathering } from "../../server/cosigners/gathering.ts";
import { readCosigners } from "../../server/cosigners/settings.ts";
import { createApp } from "../../server/http/app.ts";
import { addHeads } from "../../server/http/heads.ts";
import { addLog } from "../../server/http/log.ts";
import { bundleOf } from "../../server/http/proofs.ts";
import { serve } from "../../server/http/serve.ts";
import { assessmentEntry, factEntry, rulebookEntry } from "../../server/ledger/entry.ts";
import { fsck } from "../../server/ledger/fsck.ts";
import { type Ledger, openLedger } from "../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../server/store/database.ts";
import { InputError } from "../../src/core/errors.ts";
import { cosignerOf } from "../../src/core/log/cosignature.ts";
import { openHead } from "../../src/core/log/head.ts";
import { parseHeadList } from "../../src/core/log/head-list.ts";
import { readHeadNote } from "../../src/core/log/head-note.ts";
import { parseTlogProof } from "../../src/core/log/tlog-proof.ts";
import { verifyTlogFile } from "../../src/core/log/verify-tlog-proof.ts";
import { parseBundle } from "../../src/core/proof/bundle.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import { verifyBundle } from "../../src/core/proof/verify.ts";
import { startWitness, type WitnessServer } from "../support/witness-server.ts";
import { ANCHOR, anchoringOf, blockOf } from "../unit/proof/anchor-sample.ts";
import { RULEBOOK, SIGNER, sampleAssessment, TRUST } from "../unit/proof/sample.ts";

const PATIENCE = { timeout: 120_000, interval: 50 };
const LOG_KEY = parseVerifierKey(SIGNER.verifierKey);

let folder: string;
let store: Store;
let ledger: Ledger;
let witnesses: [WitnessServer, WitnessServer];
let gathering: Gathering;
let url: string;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-cosigners-"));
  open();
  const logKeys = [SIGNER.verifierKey];
  witnesses = [
    await startWitness("a.example/w", { fill: 11, logKeys }),
    await startWitness("b.example/w", { fill: 12, logKeys }),
  ];
});

afterEach(async () => {
  await gathering.stop();
  for (const end of ends.splice(0)) await end();
  for (const witness of witnesses) await witness.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  store = openStore(folder);
  ledger = openLedger(store, { signer: SIGNER });
}

function grow(leaves: number): number {
  const from = ledger.tree.size;
  const entries = Array.from({ length: leaves }, (_, i) => factEntry(`${from + i}`.padStart(64, "f")));
  store.transaction(() => ledger.append(entries));
  ledger.publish();
  return ledger.tree.size;
}

/** Begins to gather, and serves the log. */
async function gather({ quorum = 1, of = witnesses as readonly WitnessServer[] } = {}): Promise<void> {
  const asked = of.map((witness) => `${witness.cosigner.verifierKey} ${witness.url}`).join(", ");
  const env = of.length === 0 ? {} : { PLUMBLINE_WITNESSES: asked, PLUMBLINE_WITNESS_QUORUM: String(quorum) };
  gathering = startGathering(readCosigners(env, SIGNER.name), { store, ledger, log: pino({ level: "silent" }) });
  const limiter = { consume: async () => {}, get: async () => null };
  const app = createApp({
    roleOf: () => ({ name: "public" }),
    limiters: { requests: limiter as never, wrongKeys: limiter as never },
    onError: () => {},
  });
  addLog(app, ledger, gathering.cosignatures);
  addHeads(app, gathering.cosignatures);
  const listening = await serve(app, { host: "127.0.0.1", port: 0 });
  ends.push(listening.stop);
  url = listening.url;
}

const get = async (path: string) => await (await fetch(`${url}/log/${path}`)).text();
const keysOf = (of: readonly WitnessServer[]) => of.map(({ cosigner }) => cosigner.verifierKey);
const names = (note: string) => readHeadNote(note).note.signatures.map(({ name }) => name);
const errorOf = (i: number) => gathering.health()[i]?.error ?? null;
const untilCosigned = (size: number, of = [0, 1]) =>
  vi.waitUntil(() => of.every((i) => gathering.health()[i]?.cosigned === String(size)), PATIENCE);
const [A, B] = ["a.example/w", "b.example/w"];

describe("a log with witnesses", () => {
  test("gathers a cosignature of each under every head it is asked for, and serves them below the checkpoint", async () => {
    const first = grow(3);
    await gather({ quorum: 2 });
    await untilCosigned(first);
    const note = await get("checkpoint");
    expect(names(note)).toEqual([SIGNER.name, A, B]);
    expect(openHead(note, [LOG_KEY]).size).toBe(first);
    const second = grow(300);
    await untilCosigned(second);
    expect(names(await get("cosigned"))).toEqual([SIGNER.name, A, B]);
    expect(gathering.health()).toEqual(
      [A, B].map((witness) => ({ witness, cosigned: String(second), behind: "0", error: null })),
    );
    expect(witnesses[0].asked).toEqual([0, first]);
    const heads = parseHeadList(await get("heads"));
    expect(heads).toEqual([note, await get("checkpoint")]);
    expect(parseHeadList(await get(`heads?after=${first}`))).toEqual(heads.slice(1));
    expect(parseHeadList(await get("heads?limit=1"))).toEqual(heads.slice(0, 1));
    expect(await get(`heads?after=${second}`)).toBe("");
    const trust = { logKeys: [SIGNER.verifierKey], witnesses: { keys: keysOf(witnesses), threshold: 2 } };
    const proof = await get("proof/1");
    expect(verifyTlogFile(new TextEncoder().encode(proof), trust).status).toBe("verified");
    expect(parseTlogProof(proof).note).toBe(await get("cosigned"));
    for (const bad of ["after=x", "limit=0", "limit=-1", "after=1.5"]) {
      expect((await fetch(`${url}/log/heads?${bad}`)).status).toBe(400);
    }
  });

  test("counts a head as cosigned only when as many have cosigned it as are asked for", async () => {
    const first = grow(2);
    await gather({ quorum: 2 });
    await untilCosigned(first);
    witnesses[1].instead = () => ({ status: 503, body: "busy\n" });
    const second = grow(2);
    await untilCosigned(second, [0]);
    await vi.waitUntil(() => errorOf(1) !== null, PATIENCE);
    expect(parseTlogProof(await get("proof/1")).note).toBe(await get("cosigned"));
    expect(parseTlogProof(await get(`proof/${first}`)).note).toBe(await get("checkpoint"));
    expect(errorOf(1)).toBe("It answered 503: busy");
    expect(names(await get("checkpoint"))).toEqual([SIGNER.name, A]);
    expect(openHead(await get("cosigned"), [LOG_KEY]).size).toBe(first);
    expect(parseHeadList(await get("heads"))).toHaveLength(1);
    expect(gathering.preferred.cosignedHead?.()).toEqual({ size: first, root: ledger.tree.root(first) });
    witnesses[1].instead = null;
    await untilCosigned(second);
    expect(errorOf(1)).toBeNull();
  });

  test("has no cosigned head while nobody has cosigned one", async () => {
    await gather({ of: [] });
    grow(1);
    expect((await fetch(`${url}/log/cosigned`)).status).toBe(404);
    expect(await get("checkpoint")).toBe(ledger.head()?.note);
    expect(await get("heads")).toBe("");
    expect(gathering.preferred).toEqual({});
  });

  test("goes on after a restart from the head that a witness has cosigned", async () => {
    const first = grow(3);
    await gather();
    await untilCosigned(first);
    await gathering.stop();
    store.close();
    open();
    const second = grow(4);
    await gather();
    await untilCosigned(second);
    expect(witnesses[0].asked).toEqual([0, first]);
  });

  test("asks again from the size that a witness knows, larger or smaller than was thought", async () => {
    const first = grow(5);
    witnesses[0].last = { size: first, root: ledger.tree.root(first) };
    const second = grow(4);
    await gather();
    await untilCosigned(second);
    expect(witnesses[0].asked).toEqual([0, first]);
    witnesses[0].last = null;
    const third = grow(1);
    await untilCosigned(third);
    expect(witnesses[0].asked).toEqual([0, first, second, 0]);
  });

  test("signs nothing more when a witness knows a larger head, for then it has lost leaves", async () => {
    grow(2);
    witnesses[0].last = { size: 9, root: new Uint8Array(32) };
    await gather();
    await vi.waitUntil(() => ledger.stopped() !== null, PATIENCE);
    expect(ledger.stopped()).toMatch(/a\.example\/w was shown a head of 9/);
    expect(() => ledger.publish()).toThrow(InputError);
  });

  test("names a witness that knows another head of one size, and keeps nothing of it", async () => {
    const size = grow(2);
    witnesses[0].last = { size, root: new Uint8Array(32) };
    await gather();
    await vi.waitUntil(() => errorOf(0) !== null, PATIENCE);
    expect(errorOf(0)).toBe("It knows another head of 2 leaves than this log has signed.");
    expect(ledger.stopped()).toBeNull();
    await untilCosigned(size, [1]);
    expect(names(await get("checkpoint"))).toEqual([SIGNER.name, B]);
  });

  test("asks a witness that names one size after the other less and less often", async () => {
    const size = grow(9);
    let named = 0;
    witnesses[0].instead = () => ({ status: 409, body: `${1 + (named++ % 2)}\n` });
    await gather();
    await untilCosigned(size, [1]);
    await vi.waitUntil(() => errorOf(0) !== null, PATIENCE);
    expect(errorOf(0)).toBe("It says that it knows 2 leaves, and before, 1.");
    witnesses[0].instead = null;
    await untilCosigned(size);
  });

  const stranger = cosignerOf("c.example/w", new Uint8Array(32).fill(13));
  const other = cosignerOf("a.example/w", new Uint8Array(32).fill(14));
  test.each([
    ["nothing", () => ""],
    ["no line", () => "thank you\n"],
    ["a stranger's line", (text: string) => stranger.cosign(text, 1n)],
    ["a line of another key in its name", (text: string) => other.cosign(text, 1n)],
    ["a line under another head", (text: string) => witnesses[0].cosigner.cosign(text.replace(/\n\d+\n/, "\n1\n"), 1n)],
    ["more than a note can have", () => "x".repeat(70_000)],
  ])("keeps nothing where a witness answers %s", async (_, lineFor) => {
    grow(3);
    witnesses[0].instead = (note) => ({ status: 200, body: lineFor(note.slice(0, note.indexOf("\n\n") + 1)) });
    await gather({ of: [witnesses[0]] });
    await vi.waitUntil(() => errorOf(0) !== null, PATIENCE);
    expect(errorOf(0)).toMatch(/^It answered with/);
    expect(gathering.cosignatures.lastOf(witnesses[0].cosigner.verifierKey)).toBe(0);
    expect(await get("checkpoint")).toBe(ledger.head()?.note);
  });

  test("takes of several lines the witness's own", async () => {
    const size = grow(3);
    witnesses[0].instead = (note) => {
      const text = note.slice(0, note.indexOf("\n\n") + 1);
      return { status: 200, body: stranger.cosign(text, 1n) + witnesses[0].cosigner.cosign(text, 2n) };
    };
    await gather({ of: [witnesses[0]] });
    await untilCosigned(size, [0]);
    expect(names(await get("checkpoint"))).toEqual([SIGNER.name, A]);
  });

  test("is checked by fsck, line by line; what was altered is never served", async () => {
    const [first, second] = [grow(3), grow(2)];
    await gather();
    await untilCosigned(second);
    const problems = () => fsck(join(folder, "server", "ledger.sqlite"), { keys: [LOG_KEY] }).problems;
    expect(problems()).toEqual([]);
    const line = witnesses[0].cosigner.cosign("x\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 1n);
    const set = (text: string, size: number) =>
      store.connection.prepare("UPDATE cosignature SET line = ?, size = ? WHERE witness LIKE 'a.%'").run(text, size);
    const said = (size: number) => [
      `The cosignature of ${witnesses[0].cosigner.verifierKey} under the head of ${size} leaves does not hold.`,
    ];
    for (const [text, size] of [
      [line, second],
      [line, first],
      [line, 99],
      ["no line\n", second],
    ] as const) {
      set(text, size);
      expect(problems()).toEqual(said(size));
    }
    expect((await fetch(`${url}/log/checkpoint`)).status).toBe(500);
  });

  test("says that a witness does not answer", async () => {
    grow(1);
    await witnesses[0].stop();
    await gather({ of: [witnesses[0]] });
    await vi.waitUntil(() => errorOf(0) !== null, PATIENCE);
    expect(errorOf(0)).toBe("It does not answer.");
  });

  test("asks nobody with its own key", async () => {
    await gather({ of: [] });
    const itself = cosignerOf("w.example", new Uint8Array(32).fill(1));
    const settings = readCosigners({ PLUMBLINE_WITNESSES: `${itself.verifierKey} https://a` }, SIGNER.name);
    expect(() => startGathering(settings, { store, ledger, log: pino({ level: "silent" }) })).toThrow(InputError);
  });
});

describe("a bundle", () => {
  const assessment = sampleAssessment({ deploymentHash: `0x${"de".repeat(32)}` });
  const bundleAt = (anchoredHeads: AnchoredHeads = () => []) => {
    const sources = { store, ledger, secret: new Uint8Array(32), cosignatures: gathering.cosignatures, anchoredHeads };
    const bytes = bundleOf(sources, { id: assessment.id, role: { name: "public" } });
    if (typeof bytes === "string") throw new TypeError(bytes);
    const { bundle, checkpoint } = parseBundle(bytes);
    return { bytes, bundle, size: checkpoint.size };
  };
  /** The log's own heads on a chain, by size. */
  const anchoredAt =
    (...sizes: number[]): AnchoredHeads =>
    ({ from }) =>
      sizes
        .filter((size) => size >= from)
        .sort((a, b) => b - a)
        .map((size) => {
          const root = size > ledger.tree.size ? new Uint8Array(32).fill(1) : ledger.tree.root(size);
          return { size, ...anchoringOf({ size, root }) };
        });

  beforeEach(() => {
    store.transaction(() => ledger.append([rulebookEntry(RULEBOOK.source), assessmentEntry(assessment)]));
    ledger.publish();
  });

  test("is made under the largest head that is cosigned and anchored, or else cosigned, or else anchored", async () => {
    const own = ledger.tree.size;
    await gather();
    await untilCosigned(own);
    witnesses[0].instead = () => ({ status: 503, body: "" });
    witnesses[1].instead = witnesses[0].instead;
    const [second, third] = [grow(3), grow(3)];
    expect(bundleAt().size).toBe(own);
    expect(bundleAt(anchoredAt(second))).toMatchObject({ size: own, bundle: { anchor: null } });
    const both = bundleAt(anchoredAt(second, own));
    expect([both.size, both.bundle.claims.witnessed]).toEqual([own, "2"]);
    const { anchored } = both.bundle.claims;
    if (anchored === null) throw new TypeError("The bundle is anchored.");
    const trust = {
      ...{
        ...TRUST,
        anchors: [ANCHOR],
        witnesses: { keys: witnesses.map((w) => w.cosigner.verifierKey), threshold: 2 },
      },
      blocks: [blockOf(anchored), { chain: "eip155:901", number: "4711", hash: assessment.blockHash }],
    };
    expect(await verifyBundle(both.bytes, trust)).toMatchObject({
      ...{ status: "verified", assurance: "attested", witnesses: [A, B], anchored: true },
    });
    await gathering.stop();
    store.connection.exec("DELETE FROM cosignature");
    expect(bundleAt(anchoredAt(own, second)).size).toBe(second);
    expect(bundleAt(anchoredAt(third + 1))).toMatchObject({ size: third, bundle: { anchor: null } });
    expect(bundleAt().size).toBe(third);
  });

  test("is made under no head that its leaf is not in", async () => {
    await gather({ of: [] });
    expect(bundleAt(anchoredAt(1)).size).toBe(2);
  });
});

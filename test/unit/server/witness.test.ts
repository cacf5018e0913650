import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseUncompared } from "../../../server/others/epoch-check.ts";
import type { WitnessLook } from "../../../server/others/follower.ts";
import { remoteLog } from "../../../server/others/remote-log.ts";
import { remoteRecord } from "../../../server/others/remote-record.ts";
import { createWitness, type Witness, type WitnessOptions } from "../../../server/others/witness.ts";
import { openWitnessStore, type WitnessStore } from "../../../server/others/witness-state.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { parseConflict } from "../../../src/core/log/add-checkpoint.ts";
import { cosignedAt, cosignerOf, parseCosignerKey } from "../../../src/core/log/cosignature.ts";
import { verifyEvidence } from "../../../src/core/log/fault.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { encodeLeaf, epochLeaf } from "../../../src/core/proof/leaf.ts";
import { parseNote } from "../../../src/core/proof/note.ts";
import { Operator } from "../../support/operator.ts";

const MARKET = { balances: [50, 60, 70, 80], threshold: 65 };
const cosigner = cosignerOf("witness.test/w", new Uint8Array(32).fill(9));
const NOW_MS = 1_800_000_000_000;

let folder: string;
let other: Operator;
let own: Operator;
let store: WitnessStore;
let clockMs: number;
let faults: WitnessLook[];
let urls: { other: string; own: string };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-witness-"));
  [other, own] = [new Operator(MARKET), new Operator(MARKET, 8)];
  urls = { other: await other.listen(), own: await own.listen() };
  store = openWitnessStore(join(folder, "witness.sqlite"));
  [clockMs, faults] = [NOW_MS, []];
});
afterEach(async () => {
  store.close();
  await Promise.all([other.stop(), own.stop()]);
  rmSync(folder, { recursive: true });
});

/** What a test wants otherwise; `timeoutMs` is how long a server may take to answer. */
type Changes = Partial<WitnessOptions> & { uncompared?: string[]; timeoutMs?: number };

/** A request for which something is still missing is answered within this; any other may take its time. */
const IMPATIENT = { patienceMs: 300 };

/** A witness as it starts, with what is on disk. */
function start({ uncompared = [], timeoutMs = 30_000, ...options }: Changes = {}): Witness {
  return createWitness({
    log: remoteLog(`${urls.other}/log`, { timeoutMs }),
    logKeys: [other.signer.verifierKey],
    epochs: {
      other: remoteRecord(urls.other, { timeoutMs }),
      own: remoteRecord(urls.own, { timeoutMs }),
      isUncompared: parseUncompared(uncompared),
    },
    ...{ cosigner, store, now: () => clockMs, retryMs: 10, patienceMs: 60_000 },
    onFault: (fault) => faults.push(fault),
    ...options,
  });
}

/** Both operators go on for `count` epochs, with other entries between them. */
function goOn(count: number): void {
  for (let i = 0; i < count; i++) {
    other.fill(40);
    other.epoch();
    own.epoch();
  }
  other.fill(3);
}

/** An assessment as a log has it of a block. */
function assess(operator: Operator, blockNumber: number): void {
  const hash = toHex(new Uint8Array(32).fill(1));
  operator.add(
    encodeLeaf({
      ...{ kind: "assessment", chainId: 901n, blockNumber: BigInt(blockNumber), blockHash: hash, outcome: "met" },
      ...{ subjectHash: hash, ruleHash: hash, bodyHash: hash },
    }),
  );
}

const cosignedSize = () => store.cosigned(other.signer.name)?.size ?? 0;

describe("a witness of a log that agrees", () => {
  test("compares every epoch, cosigns, and goes on from there after a restart", async () => {
    goOn(3);
    const first = start();
    expect(await first.look()).toMatchObject({ type: "agreed", compared: 3, added: other.tree.size });
    const size = other.tree.size;
    const answer = await first.add(other.request(0));
    expect(answer).toMatchObject({ status: 200, contentType: "text/plain; charset=utf-8" });
    const note = addSignatures(other.note(), [answer.body]);
    expect(cosignedAt(parseNote(note), parseCosignerKey(cosigner.verifierKey))).toBe(1_800_000_000n);
    goOn(2);
    other.asked.length = 0;
    const second = start();
    expect(await second.look()).toMatchObject({ type: "agreed", compared: 2, added: other.tree.size - size });
    expect(other.asked.filter((path) => path.startsWith("/v1/bodies"))).toHaveLength(2);
    expect(await second.add(other.request(size))).toMatchObject({ status: 200 });
    expect(cosignedSize()).toBe(other.tree.size);
  });

  test("compares at once what it is asked to cosign, also a head behind the last it saw", async () => {
    goOn(1);
    const size = other.tree.size;
    goOn(1);
    const witness = start();
    expect(await witness.add(other.request(0, size))).toMatchObject({ status: 200 });
    expect(witness.status()).toMatchObject({ compared: size });
    goOn(1);
    await witness.look();
    expect(await witness.add(other.request(size, size + 10))).toMatchObject({ status: 200 });
    expect(cosignedSize()).toBe(size + 10);
    expect(await witness.look()).toMatchObject({ type: "agreed" });
  });

  test("answers 200 once more for a head that it kept and whose answer was lost", async () => {
    goOn(1);
    const head = other.head();
    store.keep(head, { last: null, time: NOW_MS / 1_000 });
    const witness = start();
    expect(parseConflict((await witness.add(other.request(0))).body)).toBe(head.size);
    expect(await witness.add(other.request(head.size))).toMatchObject({ status: 200 });
  });

  test("keeps one of two requests at once, and tells the other which", async () => {
    goOn(2);
    const [small, large] = [other.tree.size - 10, other.tree.size];
    const witness = start();
    await witness.look();
    const answers = await Promise.all([witness.add(other.request(0, small)), witness.add(other.request(0, large))]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(parseConflict(refused?.body ?? "")).toBe(cosignedSize());
    expect([small, large]).toContain(cosignedSize());
  });

  test("cosigns nothing while its clock stands before its last cosignature", async () => {
    goOn(1);
    const witness = start();
    await witness.add(other.request(0));
    const size = cosignedSize();
    goOn(1);
    clockMs -= 1_000;
    expect(await witness.add(other.request(size))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(cosignedSize()).toBe(size);
    clockMs += 1_000;
    expect(await witness.add(other.request(size))).toMatchObject({ status: 200 });
  });

  test("keeps nothing that it could not put on disk, and signs nothing then", async () => {
    goOn(1);
    const witness = start({
      store: {
        ...store,
        keep() {
          throw new Error("disk full");
        },
      },
    });
    await expect(witness.add(other.request(0))).rejects.toThrow("disk full");
    expect(cosignedSize()).toBe(0);
  });
});

describe("a witness whose own server cannot say yet", () => {
  test("waits, cosigns nothing beyond, and goes on as soon as it can", async () => {
    goOn(1);
    const size = other.tree.size;
    other.epoch();
    other.fill(5);
    const witness = start(IMPATIENT);
    const waiting = await witness.look();
    expect(waiting).toMatchObject({ type: "waiting" });
    expect(await witness.add(other.request(0))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(await witness.add(other.request(0, size))).toMatchObject({ status: 200 });
    expect(witness.status()).toMatchObject({
      compared: size,
      waiting: "Epoch 1 of eip155:901 is not sealed by the own server yet.",
    });
    own.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
    expect(witness.status().waiting).toBeNull();
  });

  test("waits with a request for what the own server is about to seal", async () => {
    goOn(1);
    other.epoch();
    const witness = start();
    const answer = witness.add(other.request(0));
    await expect.poll(() => witness.status().waiting).not.toBeNull();
    own.epoch();
    expect(await answer).toMatchObject({ status: 200 });
  });

  test("says so where the own server does not index the chain, and cosigns only what is named to go uncompared", async () => {
    goOn(1);
    other.epoch({ chain: "eip155:10", number: "0" });
    const seen = await start().look();
    expect(seen).toMatchObject({ type: "waiting" });
    expect((seen as { sentence: string }).sentence).toContain("does not index eip155:10");
    expect(await start({ uncompared: ["eip155:10/1-9"] }).look()).toMatchObject({ type: "waiting" });
    expect(await start({ uncompared: ["eip155:10/0-0"] }).look()).toMatchObject({ type: "agreed" });
  });

  test("compares nothing and cosigns by consistency where it is told to; that counts as compared for nobody", async () => {
    goOn(1);
    other.epoch({ stateCount: "77" });
    const witness = start({ epochs: null });
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 0 });
    expect(await witness.add(other.request(0))).toMatchObject({ status: 200 });
    expect(other.asked.some((path) => path.startsWith("/v1"))).toBe(false);
    own.epoch();
    expect(await start().look()).toMatchObject({ type: "refused", isFinal: true });
  });

  test.each(["eip155", "eip155:0", "eip155:10/5", "eip155:10/5-4", "eip155:10/5-", ""])(
    "refuses %j as epochs",
    (text) => {
      expect(() => parseUncompared([text])).toThrow(InputError);
    },
  );
});

describe("a witness of a log that does not agree", () => {
  test("refuses it for ever, keeps what came before, and names the member", async () => {
    goOn(1);
    const size = other.tree.size;
    other.epoch({ stateRoot: other.epochs[0]?.assessmentRoot as never });
    own.epoch();
    const first = start();
    const seen = await first.look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("Epoch 1 of eip155:901 differs in stateRoot");
    expect(await first.add(other.request(0))).toMatchObject({ status: 403 });
    expect(await first.add(other.request(0, size))).toMatchObject({ status: 200 });
    // The own server, or what the log serves, cannot change what is sealed.
    own.epochs[1] = other.epochs[1] as never;
    expect(await start().look()).toMatchObject({ type: "refused", isFinal: true });
    expect(await start().add(other.request(size))).toMatchObject({ status: 403 });
    expect(cosignedSize()).toBe(size);
    store.forgive(other.signer.name);
    expect(await start().look()).toMatchObject({ type: "agreed", compared: 2 });
  });

  test("refuses epochs that do not follow one another, or begin after the own server's", async () => {
    goOn(3);
    const [, , third] = other.epochs;
    other.seal({ ...(third as never as (typeof other.epochs)[0]), stateCount: "9" });
    expect(await start().look()).toMatchObject({ type: "refused", isFinal: true });
    store.forgive(other.signer.name);

    await other.stop();
    other = new Operator(MARKET);
    urls.other = await other.listen();
    other.epochs.push(own.epochs[0] as never);
    other.seal(own.epochs[1] as never);
    const seen = await start().look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("first epoch of eip155:901 is 1");
  });

  test("refuses a leaf of another block than its body, and a body that is no epoch", async () => {
    const [epoch] = [other.epoch()];
    const size = other.tree.size;
    own.epoch();
    own.epoch();
    const next = { ...epoch, number: "1", fromBlock: "32", toBlock: "63" };
    other.seal(next, epochLeaf(epoch));
    const witness = start();
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: true });
    expect(await witness.add(other.request(0, size))).toMatchObject({ status: 200 });
    store.forgive(other.signer.name);
    await other.stop();
    other = new Operator(MARKET);
    urls.other = await other.listen();
    other.epoch();
    other.seal({ nothing: "x" } as never, epochLeaf(next));
    expect(await start().look()).toMatchObject({ type: "refused", isFinal: true });
  });

  test("finds two trees of one size, by a look or a request, proves it and signs nothing more", async () => {
    goOn(1);
    const witness = start();
    await witness.look();
    await witness.add(other.request(0));
    const size = cosignedSize();
    const forked = new Operator({ ...MARKET, threshold: 5 });
    forked.fill(size - 1);
    const request = forked.request(0).replace("old 0", `old ${size}`);
    expect(await witness.add(request)).toMatchObject({ status: 409 });
    await expect.poll(() => faults.length).toBe(1);
    const [fault] = faults as { evidence: Uint8Array; isFinal: boolean }[];
    expect(fault?.isFinal).toBe(true);
    const judged = verifyEvidence(fault?.evidence as Uint8Array, {
      logKeys: [other.signer.verifierKey],
      timeKeys: [],
    });
    expect(judged).toMatchObject({ status: "proven", finding: "equivocation" });
    goOn(1);
    expect(() => store.forgive(other.signer.name)).toThrow(InputError);
    expect(await start().add(other.request(size))).toMatchObject({ status: 403 });
    expect(cosignedSize()).toBe(size);
  });

  test.each(["a look", "a request"])(
    "finds by %s that a log has left what was cosigned before a restart",
    async (by) => {
      goOn(1);
      const size = other.tree.size;
      other.epoch();
      const witness = start();
      expect(await witness.look()).toMatchObject({ type: "waiting" });
      expect(await witness.add(other.request(0, size))).toMatchObject({ status: 200 });
      await other.stop();
      other = new Operator({ ...MARKET, threshold: 5 });
      urls.other = await other.listen();
      other.fill(size + 20);
      const restarted = start();
      if (by === "a look") faults.push(await restarted.look());
      else expect(await restarted.add(other.request(size))).toMatchObject({ status: 422 });
      await expect.poll(() => faults).toMatchObject([{ type: "refused", isFinal: true }]);
      const { evidence } = faults[0] as { evidence: Uint8Array };
      expect(verifyEvidence(evidence)).toMatchObject({ status: "proven", finding: "inconsistent" });
      expect(await start().add(other.request(size))).toMatchObject({ status: 422 });
      expect(cosignedSize()).toBe(size);
    },
  );

  test("does not cosign a log that goes on without an epoch, until it has it", async () => {
    goOn(2);
    assess(other, 69);
    const witness = start();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 2 });
    own.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    assess(other, 95);
    assess(other, 69);
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    const size = other.tree.size;
    assess(other, 96);
    assess(other, 70);
    // Nothing of it is taken from a head that is not good.
    other.changes.set("/log/tile/0", () => ({ status: 404, body: "" }));
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: false });
    other.changes.clear();
    const sentence = "The log has gone on to block 96 of eip155:901 without epoch 2, which ended with block 95.";
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: false, sentence });
    expect(await witness.add(other.request(0))).toMatchObject({ status: 503, body: `${sentence}\n` });
    expect(await start().look()).toMatchObject({ type: "refused", sentence });
    expect(await start({ uncompared: ["eip155:901/2-2"] }).look()).toMatchObject({ type: "agreed" });
    expect(cosignedSize()).toBe(0);
    other.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
    expect(await witness.add(other.request(0))).toMatchObject({ status: 200 });
    expect(cosignedSize()).toBeGreaterThan(size);
  });
});

describe("a hostile log ends in one sentence and never in a cosignature:", () => {
  const cases: [string, () => void, string][] = [
    [
      "a body with another hash",
      () => other.changes.set("/v1/bodies", () => ({ body: '{"chain":"eip155:901"}' })),
      "refused",
    ],
    ["a body that is no JSON", () => other.changes.set("/v1/bodies", () => ({ body: "<html>" })), "refused"],
    ["a body in another form", () => other.changes.set("/v1/bodies", () => ({ body: '{ "a": "b" }' })), "refused"],
    ["a body too deep", () => other.changes.set("/v1/bodies", () => ({ body: "[".repeat(2_000_000) })), "refused"],
    ["a body of numbers", () => other.changes.set("/v1/bodies", () => ({ body: "1" })), "refused"],
    ["no body", () => other.changes.set("/v1/bodies", () => ({ status: 404, body: "" })), "refused"],
    ["a body too long", () => other.changes.set("/v1/bodies", () => ({ body: "x".repeat(5_000_000) })), "fails"],
    ["an error in place of a body", () => other.changes.set("/v1/bodies", () => ({ status: 500, body: "" })), "fails"],
    [
      "a body that does not come",
      () => other.changes.set("/v1/bodies", () => ({ body: "{}", delayMs: 3_000 })),
      "is late",
    ],
    ["no entries", () => other.changes.set("/log/tile/entries", () => ({ status: 404, body: "" })), "refused"],
    ["other entries", () => other.changes.set("/log/tile/entries", () => ({ body: new Uint8Array(200) })), "refused"],
    [
      "an error in place of entries",
      () => other.changes.set("/log/tile/entries", () => ({ status: 500, body: "" })),
      "fails",
    ],
    [
      "entries that do not come",
      () => other.changes.set("/log/tile/entries", () => ({ body: "", delayMs: 3_000 })),
      "is late",
    ],
    ["no tiles", () => other.changes.set("/log/tile/0", () => ({ status: 404, body: "" })), "refused"],
    ["a leaf of a form not known", () => other.add(new Uint8Array(147).fill(200)), "waiting"],
    ["an epoch of no chain", () => other.add(new Uint8Array(147).fill(3, 0, 2)), "waiting"],
  ];
  test.each(cases)("%s", async (_, prepare, outcome) => {
    goOn(1);
    prepare();
    const witness = start({ ...IMPATIENT, ...(outcome === "is late" ? { timeoutMs: 1_000 } : {}) });
    if (outcome === "fails" || outcome === "is late") await expect(witness.look()).rejects.toThrow(ProviderError);
    else {
      const seen = (await witness.look()) as { type: string; sentence: string };
      expect(seen.type).toBe(outcome);
      expect(seen.sentence).toMatch(/\S+.*\.$/);
      expect(seen).not.toMatchObject({ isFinal: true });
    }
    const answer = await witness.add(other.request(0));
    expect(answer).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(answer.body).toMatch(/^[ -~]+\.\n$/);
    expect(cosignedSize()).toBe(0);
    // What was only not served may be served later.
    if (outcome === "waiting") return;
    other.changes.clear();
    // What the request began may by now have compared the epoch itself.
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    expect(witness.status()).toMatchObject({ compared: other.tree.size });
  });

  test("what was read for a head that turned out wrong belongs to no other", async () => {
    goOn(1);
    const witness = start();
    await witness.look();
    const size = other.tree.size;
    goOn(1);
    // The tile that shows how the log grew; it does not come once more when the entries have been read.
    let asked = 0;
    other.changes.set("/log/tile/0", () => (++asked > 1 ? { status: 500, body: "" } : null));
    await expect(witness.look()).rejects.toThrow(ProviderError);
    other.changes.clear();
    expect(await witness.add(other.request(0, size))).toMatchObject({ status: 200 });
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
  });

  test("requests that nobody waits for any more do not pile up behind a log that does not answer", async () => {
    goOn(1);
    let answer = (): void => {};
    let asked = 0;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const tiles = async (): Promise<never> => {
      asked++;
      await answered;
      throw new ProviderError("It does not answer.");
    };
    const log = { ...remoteLog(`${urls.other}/log`, { timeoutMs: 1_000 }), tiles };
    const witness = start({ log, patienceMs: 1 });
    for (let i = 0; i < 40; i++) expect(await witness.add(other.request(0))).toMatchObject({ status: 503 });
    answer();
    await expect(witness.look()).rejects.toThrow(ProviderError);
    expect(asked).toBe(17);
  });

  test("an own server that answers nonsense is waited for, and nobody is told where it is", async () => {
    goOn(1);
    const answerOf = async (witness: Witness) => (await witness.add(other.request(0))).body;
    for (const body of ["<html>", "{}", '{"epoch":{"a":1}}', "[".repeat(1_000_000)]) {
      own.changes.set("/v1/epochs", () => ({ body }));
      const witness = start(IMPATIENT);
      expect(await witness.look()).toMatchObject({ type: "waiting" });
      for (const said of [witness.status().waiting, await answerOf(witness)]) expect(said).not.toContain(urls.own);
    }
    own.changes.set("/v1/epochs", () => ({ status: 500, body: "" }));
    await expect(start().look()).rejects.toThrow(ProviderError);
    expect(await answerOf(start())).toBe(
      "A server that is asked for what the head is over does not answer as it should.\n",
    );
  });

  test("a member that every object inherits is a difference like any other", async () => {
    own.epoch();
    other.epoch({ constructor: "x" } as never);
    const seen = await start().look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("differs in constructor: theirs x, own has none.");
  });
});

test("keys of two logs, and a kept head of another key, are refused", () => {
  const another = new Operator(MARKET, 55);
  store.follow({ origin: other.signer.name, mode: "epochs" }, { note: another.note(), epochs: {} });
  expect(() => start()).toThrow(InputError);
  expect(() => start({ logKeys: [] })).toThrow(InputError);
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { remoteLog } from "../../../server/others/remote-log.ts";
import type { Witness } from "../../../server/others/witness.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { verifyEvidence } from "../../../src/core/log/fault.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { encodeLeaf, epochLeaf } from "../../../src/core/proof/leaf.ts";
import { Operator } from "../../support/operator.ts";
import { IMPATIENT, MARKET, WitnessStand } from "./support/witness-stand.ts";

let stand: WitnessStand;

beforeEach(async () => {
  stand = await WitnessStand.open();
});
afterEach(() => stand.close());

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

describe("a witness of a log that does not agree", () => {
  test("refuses it for ever, keeps what came before, and names the member", async () => {
    stand.goOn(1);
    const size = stand.other.tree.size;
    stand.other.epoch({ stateRoot: stand.other.epochs[0]?.assessmentRoot as never });
    stand.own.epoch();
    const first = stand.start();
    const seen = await first.look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("Epoch 1 of eip155:901 differs in stateRoot");
    expect(await first.add(stand.other.request(0))).toMatchObject({ status: 403 });
    expect(await first.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
    // The own server, or what the log serves, cannot change what is sealed.
    stand.own.epochs[1] = stand.other.epochs[1] as never;
    expect(await stand.start().look()).toMatchObject({ type: "refused", isFinal: true });
    expect(await stand.start().add(stand.other.request(size))).toMatchObject({ status: 403 });
    expect(stand.cosignedSize()).toBe(size);
    stand.store.forgive(stand.other.signer.name);
    expect(await stand.start().look()).toMatchObject({ type: "agreed", compared: 2 });
  });

  test("refuses epochs that do not follow one another, or begin after the own server's", async () => {
    stand.goOn(3);
    const [, , third] = stand.other.epochs;
    stand.other.seal({ ...(third as never as (typeof stand.other.epochs)[0]), stateCount: "9" });
    expect(await stand.start().look()).toMatchObject({ type: "refused", isFinal: true });
    stand.store.forgive(stand.other.signer.name);

    await stand.replaceOther(new Operator(MARKET));
    stand.other.epochs.push(stand.own.epochs[0] as never);
    stand.other.seal(stand.own.epochs[1] as never);
    const seen = await stand.start().look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("first epoch of eip155:901 is 1");
  });

  test("refuses a leaf of another block than its body, and a body that is no epoch", async () => {
    const [epoch] = [stand.other.epoch()];
    const size = stand.other.tree.size;
    stand.own.epoch();
    stand.own.epoch();
    const next = { ...epoch, number: "1", fromBlock: "32", toBlock: "63" };
    stand.other.seal(next, epochLeaf(epoch));
    const witness = stand.start();
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: true });
    expect(await witness.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
    stand.store.forgive(stand.other.signer.name);
    await stand.replaceOther(new Operator(MARKET));
    stand.other.epoch();
    stand.other.seal({ nothing: "x" } as never, epochLeaf(next));
    expect(await stand.start().look()).toMatchObject({ type: "refused", isFinal: true });
  });

  test("finds two trees of one size, by a look or a request, proves it and signs nothing more", async () => {
    stand.goOn(1);
    const witness = stand.start();
    await witness.look();
    await witness.add(stand.other.request(0));
    const size = stand.cosignedSize();
    const forked = new Operator({ ...MARKET, threshold: 5 });
    forked.fill(size - 1);
    const request = forked.request(0).replace("old 0", `old ${size}`);
    expect(await witness.add(request)).toMatchObject({ status: 409 });
    await expect.poll(() => stand.faults.length).toBe(1);
    const [fault] = stand.faults as { evidence: Uint8Array; isFinal: boolean }[];
    expect(fault?.isFinal).toBe(true);
    const judged = verifyEvidence(fault?.evidence as Uint8Array, {
      logKeys: [stand.other.signer.verifierKey],
      timeKeys: [],
    });
    expect(judged).toMatchObject({ status: "proven", finding: "equivocation" });
    stand.goOn(1);
    expect(() => stand.store.forgive(stand.other.signer.name)).toThrow(InputError);
    expect(await stand.start().add(stand.other.request(size))).toMatchObject({ status: 403 });
    expect(stand.cosignedSize()).toBe(size);
  });

  test.each(["a look", "a request"])(
    "finds by %s that a log has left what was cosigned before a restart",
    async (by) => {
      stand.goOn(1);
      const size = stand.other.tree.size;
      stand.other.epoch();
      const witness = stand.start();
      expect(await witness.look()).toMatchObject({ type: "waiting" });
      expect(await witness.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
      await stand.replaceOther(new Operator({ ...MARKET, threshold: 5 }));
      stand.other.fill(size + 20);
      const restarted = stand.start();
      if (by === "a look") stand.faults.push(await restarted.look());
      else expect(await restarted.add(stand.other.request(size))).toMatchObject({ status: 422 });
      await expect.poll(() => stand.faults).toMatchObject([{ type: "refused", isFinal: true }]);
      const { evidence } = stand.faults[0] as { evidence: Uint8Array };
      expect(verifyEvidence(evidence)).toMatchObject({ status: "proven", finding: "inconsistent" });
      expect(await stand.start().add(stand.other.request(size))).toMatchObject({ status: 422 });
      expect(stand.cosignedSize()).toBe(size);
    },
  );

  test("does not cosign a log that goes on without an epoch, until it has it", async () => {
    stand.goOn(2);
    assess(stand.other, 69);
    const witness = stand.start();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 2 });
    stand.own.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    assess(stand.other, 95);
    assess(stand.other, 69);
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    const size = stand.other.tree.size;
    assess(stand.other, 96);
    assess(stand.other, 70);
    // Nothing of it is taken from a head that is not good.
    stand.other.changes.set("/log/tile/0", () => ({ status: 404, body: "" }));
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: false });
    stand.other.changes.clear();
    const sentence = "The log has gone on to block 96 of eip155:901 without epoch 2, which ended with block 95.";
    expect(await witness.look()).toMatchObject({ type: "refused", isFinal: false, sentence });
    expect(await witness.add(stand.other.request(0))).toMatchObject({ status: 503, body: `${sentence}\n` });
    expect(await stand.start().look()).toMatchObject({ type: "refused", sentence });
    expect(await stand.start({ uncompared: ["eip155:901/2-2"] }).look()).toMatchObject({ type: "agreed" });
    expect(stand.cosignedSize()).toBe(0);
    stand.other.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
    expect(await witness.add(stand.other.request(0))).toMatchObject({ status: 200 });
    expect(stand.cosignedSize()).toBeGreaterThan(size);
  });
});

describe("a hostile log ends in one sentence and never in a cosignature:", () => {
  const cases: [string, () => void, string][] = [
    [
      "a body with another hash",
      () => stand.other.changes.set("/v1/bodies", () => ({ body: '{"chain":"eip155:901"}' })),
      "refused",
    ],
    ["a body that is no JSON", () => stand.other.changes.set("/v1/bodies", () => ({ body: "<html>" })), "refused"],
    [
      "a body in another form",
      () => stand.other.changes.set("/v1/bodies", () => ({ body: '{ "a": "b" }' })),
      "refused",
    ],
    [
      "a body too deep",
      () => stand.other.changes.set("/v1/bodies", () => ({ body: "[".repeat(2_000_000) })),
      "refused",
    ],
    ["a body of numbers", () => stand.other.changes.set("/v1/bodies", () => ({ body: "1" })), "refused"],
    ["no body", () => stand.other.changes.set("/v1/bodies", () => ({ status: 404, body: "" })), "refused"],
    ["a body too long", () => stand.other.changes.set("/v1/bodies", () => ({ body: "x".repeat(5_000_000) })), "fails"],
    [
      "an error in place of a body",
      () => stand.other.changes.set("/v1/bodies", () => ({ status: 500, body: "" })),
      "fails",
    ],
    [
      "a body that does not come",
      () => stand.other.changes.set("/v1/bodies", () => ({ body: "{}", delayMs: 3_000 })),
      "is late",
    ],
    ["no entries", () => stand.other.changes.set("/log/tile/entries", () => ({ status: 404, body: "" })), "refused"],
    [
      "other entries",
      () => stand.other.changes.set("/log/tile/entries", () => ({ body: new Uint8Array(200) })),
      "refused",
    ],
    [
      "an error in place of entries",
      () => stand.other.changes.set("/log/tile/entries", () => ({ status: 500, body: "" })),
      "fails",
    ],
    [
      "entries that do not come",
      () => stand.other.changes.set("/log/tile/entries", () => ({ body: "", delayMs: 3_000 })),
      "is late",
    ],
    ["no tiles", () => stand.other.changes.set("/log/tile/0", () => ({ status: 404, body: "" })), "refused"],
    ["a leaf of a form not known", () => stand.other.add(new Uint8Array(147).fill(200)), "waiting"],
    ["an epoch of no chain", () => stand.other.add(new Uint8Array(147).fill(3, 0, 2)), "waiting"],
  ];
  test.each(cases)("%s", async (_, prepare, outcome) => {
    stand.goOn(1);
    prepare();
    const witness = stand.start({ ...IMPATIENT, ...(outcome === "is late" ? { timeoutMs: 1_000 } : {}) });
    if (outcome === "fails" || outcome === "is late") await expect(witness.look()).rejects.toThrow(ProviderError);
    else {
      const seen = (await witness.look()) as { type: string; sentence: string };
      expect(seen.type).toBe(outcome);
      expect(seen.sentence).toMatch(/\S+.*\.$/);
      expect(seen).not.toMatchObject({ isFinal: true });
    }
    const answer = await witness.add(stand.other.request(0));
    expect(answer).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(answer.body).toMatch(/^[ -~]+\.\n$/);
    expect(stand.cosignedSize()).toBe(0);
    // What was only not served may be served later.
    if (outcome === "waiting") return;
    stand.other.changes.clear();
    // What the request began may by now have compared the epoch itself.
    expect(await witness.look()).toMatchObject({ type: "agreed" });
    expect(witness.status()).toMatchObject({ compared: stand.other.tree.size });
  });

  test("what was read for a head that turned out wrong belongs to no other", async () => {
    stand.goOn(1);
    const witness = stand.start();
    await witness.look();
    const size = stand.other.tree.size;
    stand.goOn(1);
    // The tile that shows how the log grew; it does not come once more when the entries have been read.
    let asked = 0;
    stand.other.changes.set("/log/tile/0", () => (++asked > 1 ? { status: 500, body: "" } : null));
    await expect(witness.look()).rejects.toThrow(ProviderError);
    stand.other.changes.clear();
    expect(await witness.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
  });

  test("requests that nobody waits for any more do not pile up behind a log that does not answer", async () => {
    stand.goOn(1);
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
    const log = { ...remoteLog(`${stand.urls.other}/log`, { timeoutMs: 1_000 }), tiles };
    const witness = stand.start({ log, patienceMs: 1 });
    for (let i = 0; i < 40; i++) expect(await witness.add(stand.other.request(0))).toMatchObject({ status: 503 });
    answer();
    await expect(witness.look()).rejects.toThrow(ProviderError);
    expect(asked).toBe(17);
  });

  test("an own server that answers nonsense is waited for, and nobody is told where it is", async () => {
    stand.goOn(1);
    const answerOf = async (witness: Witness) => (await witness.add(stand.other.request(0))).body;
    for (const body of ["<html>", "{}", '{"epoch":{"a":1}}', "[".repeat(1_000_000)]) {
      stand.own.changes.set("/v1/epochs", () => ({ body }));
      const witness = stand.start(IMPATIENT);
      expect(await witness.look()).toMatchObject({ type: "waiting" });
      for (const said of [witness.status().waiting, await answerOf(witness)])
        expect(said).not.toContain(stand.urls.own);
    }
    stand.own.changes.set("/v1/epochs", () => ({ status: 500, body: "" }));
    await expect(stand.start().look()).rejects.toThrow(ProviderError);
    expect(await answerOf(stand.start())).toBe(
      "A server that is asked for what the head is over does not answer as it should.\n",
    );
  });

  test("a member that every object inherits is a difference like any other", async () => {
    stand.own.epoch();
    stand.other.epoch({ constructor: "x" } as never);
    const seen = await stand.start().look();
    expect(seen).toMatchObject({ type: "refused", isFinal: true });
    expect((seen as { sentence: string }).sentence).toContain("differs in constructor: theirs x, own has none.");
  });
});

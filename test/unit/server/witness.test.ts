import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseUncompared } from "../../../server/others/epoch-check.ts";
import { InputError } from "../../../src/core/errors.ts";
import { parseConflict } from "../../../src/core/log/add-checkpoint.ts";
import { cosignedAt, parseCosignerKey } from "../../../src/core/log/cosignature.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import { parseNote } from "../../../src/core/proof/note.ts";
import { Operator } from "../../support/operator.ts";
import { COSIGNER, IMPATIENT, MARKET, NOW_MS, WitnessStand } from "./support/witness-stand.ts";

let stand: WitnessStand;

beforeEach(async () => {
  stand = await WitnessStand.open();
});
afterEach(() => stand.close());

describe("a witness of a log that agrees", () => {
  test("compares every epoch, cosigns, and goes on from there after a restart", async () => {
    stand.goOn(3);
    const first = stand.start();
    expect(await first.look()).toMatchObject({ type: "agreed", compared: 3, added: stand.other.tree.size });
    const size = stand.other.tree.size;
    const answer = await first.add(stand.other.request(0));
    expect(answer).toMatchObject({ status: 200, contentType: "text/plain; charset=utf-8" });
    const note = addSignatures(stand.other.note(), [answer.body]);
    expect(cosignedAt(parseNote(note), parseCosignerKey(COSIGNER.verifierKey))).toBe(1_800_000_000n);
    stand.goOn(2);
    stand.other.asked.length = 0;
    const second = stand.start();
    expect(await second.look()).toMatchObject({ type: "agreed", compared: 2, added: stand.other.tree.size - size });
    expect(stand.other.asked.filter((path) => path.startsWith("/v1/bodies"))).toHaveLength(2);
    expect(await second.add(stand.other.request(size))).toMatchObject({ status: 200 });
    expect(stand.cosignedSize()).toBe(stand.other.tree.size);
  });

  test("compares at once what it is asked to cosign, also a head behind the last it saw", async () => {
    stand.goOn(1);
    const size = stand.other.tree.size;
    stand.goOn(1);
    const witness = stand.start();
    expect(await witness.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
    expect(witness.status()).toMatchObject({ compared: size });
    stand.goOn(1);
    await witness.look();
    expect(await witness.add(stand.other.request(size, size + 10))).toMatchObject({ status: 200 });
    expect(stand.cosignedSize()).toBe(size + 10);
    expect(await witness.look()).toMatchObject({ type: "agreed" });
  });

  test("answers 200 once more for a head that it kept and whose answer was lost", async () => {
    stand.goOn(1);
    const head = stand.other.head();
    stand.store.keep(head, { last: null, time: NOW_MS / 1_000 });
    const witness = stand.start();
    expect(parseConflict((await witness.add(stand.other.request(0))).body)).toBe(head.size);
    expect(await witness.add(stand.other.request(head.size))).toMatchObject({ status: 200 });
  });

  test("keeps one of two requests at once, and tells the other which", async () => {
    stand.goOn(2);
    const [small, large] = [stand.other.tree.size - 10, stand.other.tree.size];
    const witness = stand.start();
    await witness.look();
    const answers = await Promise.all([
      witness.add(stand.other.request(0, small)),
      witness.add(stand.other.request(0, large)),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(parseConflict(refused?.body ?? "")).toBe(stand.cosignedSize());
    expect([small, large]).toContain(stand.cosignedSize());
  });

  test("cosigns nothing while its clock stands before its last cosignature", async () => {
    stand.goOn(1);
    const witness = stand.start();
    await witness.add(stand.other.request(0));
    const size = stand.cosignedSize();
    stand.goOn(1);
    stand.clockMs -= 1_000;
    expect(await witness.add(stand.other.request(size))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(stand.cosignedSize()).toBe(size);
    stand.clockMs += 1_000;
    expect(await witness.add(stand.other.request(size))).toMatchObject({ status: 200 });
  });

  test("keeps nothing that it could not put on disk, and signs nothing then", async () => {
    stand.goOn(1);
    const witness = stand.start({
      store: {
        ...stand.store,
        keep() {
          throw new Error("disk full");
        },
      },
    });
    await expect(witness.add(stand.other.request(0))).rejects.toThrow("disk full");
    expect(stand.cosignedSize()).toBe(0);
  });
});

describe("a witness whose own server cannot say yet", () => {
  test("waits, cosigns nothing beyond, and goes on as soon as it can", async () => {
    stand.goOn(1);
    const size = stand.other.tree.size;
    stand.other.epoch();
    stand.other.fill(5);
    const witness = stand.start(IMPATIENT);
    const waiting = await witness.look();
    expect(waiting).toMatchObject({ type: "waiting" });
    expect(await witness.add(stand.other.request(0))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(await witness.add(stand.other.request(0, size))).toMatchObject({ status: 200 });
    expect(witness.status()).toMatchObject({
      compared: size,
      waiting: "Epoch 1 of eip155:901 is not sealed by the own server yet.",
    });
    stand.own.epoch();
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 1 });
    expect(witness.status().waiting).toBeNull();
  });

  test("waits with a request for what the own server is about to seal", async () => {
    stand.goOn(1);
    stand.other.epoch();
    const witness = stand.start();
    const answer = witness.add(stand.other.request(0));
    await expect.poll(() => witness.status().waiting).not.toBeNull();
    stand.own.epoch();
    expect(await answer).toMatchObject({ status: 200 });
  });

  test("says so where the own server does not index the chain, and cosigns only what is named to go uncompared", async () => {
    stand.goOn(1);
    stand.other.epoch({ chain: "eip155:10", number: "0" });
    const seen = await stand.start().look();
    expect(seen).toMatchObject({ type: "waiting" });
    expect((seen as { sentence: string }).sentence).toContain("does not index eip155:10");
    expect(await stand.start({ uncompared: ["eip155:10/1-9"] }).look()).toMatchObject({ type: "waiting" });
    expect(await stand.start({ uncompared: ["eip155:10/0-0"] }).look()).toMatchObject({ type: "agreed" });
  });

  test("compares nothing and cosigns by consistency where it is told to; that counts as compared for nobody", async () => {
    stand.goOn(1);
    stand.other.epoch({ stateCount: "77" });
    const witness = stand.start({ epochs: null });
    expect(await witness.look()).toMatchObject({ type: "agreed", compared: 0 });
    expect(await witness.add(stand.other.request(0))).toMatchObject({ status: 200 });
    expect(stand.other.asked.some((path) => path.startsWith("/v1"))).toBe(false);
    stand.own.epoch();
    expect(await stand.start().look()).toMatchObject({ type: "refused", isFinal: true });
  });

  test.each(["eip155", "eip155:0", "eip155:10/5", "eip155:10/5-4", "eip155:10/5-", ""])(
    "refuses %j as epochs",
    (text) => {
      expect(() => parseUncompared([text])).toThrow(InputError);
    },
  );
});

test("keys of two logs, and a kept head of another key, are refused", () => {
  const another = new Operator(MARKET, 55);
  stand.store.follow({ origin: stand.other.signer.name, mode: "epochs" }, { note: another.note(), epochs: {} });
  expect(() => stand.start()).toThrow(InputError);
  expect(() => stand.start({ logKeys: [] })).toThrow(InputError);
});

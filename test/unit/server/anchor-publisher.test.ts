import { privateKeyToAccount } from "viem/accounts";
import { beforeEach, describe, expect, it } from "vitest";
import type { AnchorNode, AnchorState } from "../../../server/anchors/anchor-node.ts";
import { createPublisher, type PublisherParts } from "../../../server/anchors/publisher.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { headRefusal, type LogHead, originHash } from "../../../src/core/proof/anchor.ts";
import { fromHex } from "../../../src/core/proof/bytes.ts";
import { leafHash, MerkleTree } from "../../../src/core/proof/merkle.ts";

const ORIGIN = "plumbline.test/log";
const EVERY_MS = 60_000;
const FEE_MAX = 100n;
const account = privateKeyToAccount(`0x${"11".repeat(32)}`);

/** A log of which so many leaves are signed, and an anchor on a chain that mines when told to. */
function createWorld() {
  const tree = new MerkleTree();
  let signed = 0;
  let clock = 1_000;
  const later: number[] = [];
  const sent: { size: bigint; raise: number }[] = [];
  let waiting: { hash: Hex; head: LogHead; proof: Uint8Array[] } | null = null;
  const outcomes = new Map<string, "done" | "reverted">();
  const state: { -readonly [K in keyof AnchorState]: AnchorState[K] } = {
    ...{ owner: account.address.toLowerCase() as Hex, originHash: originHash(ORIGIN), last: null },
  };
  const node: AnchorNode = {
    state: async () => ({ ...state }),
    async publish({ args: [size, root, proof], raise }) {
      sent.push({ size, raise });
      const hash: Hex = `0x${sent.length.toString(16).padStart(64, "0")}`;
      waiting = { hash, head: { size: Number(size), root: fromHex(root) }, proof: proof.map(fromHex) };
      return hash;
    },
    outcome: async (hash) => outcomes.get(hash) ?? "waiting",
  };
  const head = (size = signed): LogHead | null => (size === 0 ? null : { size, root: tree.root(size) });
  const parts: PublisherParts = {
    ...{ anchor: "eip155:901:0xaa", node, account, origin: ORIGIN, tree, head: () => head(), next: () => head() },
    ...{ onLaterHead: (size: number) => void later.push(size), everyMs: EVERY_MS, feeMax: FEE_MAX },
    now: () => clock,
  };
  return {
    ...{ parts, state, sent, later, tree, head },
    sign(leaves: number) {
      for (let i = 0; i < leaves; i++) tree.append(leafHash(Uint8Array.of(signed + i)));
      signed += leaves;
    },
    pass(ms: number) {
      clock += ms;
    },
    /** Mines what waits, as the contract would take it. */
    mine() {
      if (waiting === null) return;
      const { hash, head: published, proof } = waiting;
      waiting = null;
      const refusal = headRefusal(published, { last: state.last, proof });
      outcomes.set(hash, refusal === null ? "done" : "reverted");
      if (refusal === null) state.last = published;
    },
    drop() {
      waiting = null;
    },
  };
}

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});

describe("publishing heads", () => {
  it("begins with the first there is, and goes on after the interval with what has been signed since", async () => {
    const publisher = createPublisher(world.parts);
    await publisher.turn();
    expect(world.sent).toEqual([]);
    world.sign(3);
    await publisher.turn();
    world.mine();
    world.sign(4);
    await publisher.turn();
    expect(world.sent).toEqual([{ size: 3n, raise: 0 }]);
    expect(publisher.published()).toEqual({ lastSize: "3" });
    world.pass(EVERY_MS);
    await publisher.turn();
    world.mine();
    expect(world.sent.at(-1)).toEqual({ size: 7n, raise: 0 });
    expect(world.state.last).toEqual(world.head(7));
    world.pass(EVERY_MS);
    await publisher.turn();
    expect(world.sent).toHaveLength(2);
    expect(publisher.published()).toEqual({ lastSize: "7" });
  });

  it("waits for a transaction that is on its way, then sends the newest head for more", async () => {
    const publisher = createPublisher(world.parts);
    world.sign(3);
    await publisher.turn();
    world.sign(2);
    world.pass(EVERY_MS);
    await publisher.turn();
    expect(world.sent).toHaveLength(1);
    world.drop();
    world.pass(EVERY_MS);
    await publisher.turn();
    world.mine();
    expect(world.sent.at(-1)).toEqual({ size: 5n, raise: 1 });
    expect(world.state.last).toEqual(world.head(5));
  });

  it("goes by the chain after a restart, whatever became of what was sent before", async () => {
    world.sign(3);
    await createPublisher(world.parts).turn();
    world.mine();
    world.sign(1);
    await createPublisher(world.parts).turn();
    world.mine();
    expect(world.sent.map(({ size }) => size)).toEqual([3n, 4n]);
    expect(world.state.last).toEqual(world.head(4));
  });

  it("prefers the head it is given to the newest, and none to an unfit one", async () => {
    world.sign(5);
    let cosigned: LogHead | null = null;
    const publisher = createPublisher({ ...world.parts, next: () => cosigned });
    await publisher.turn();
    expect(world.sent).toEqual([]);
    cosigned = world.head(4);
    await publisher.turn();
    world.mine();
    expect(world.state.last).toEqual(world.head(4));
  });

  it("says when a transaction was refused, and tries again", async () => {
    const publisher = createPublisher(world.parts);
    world.sign(3);
    await publisher.turn();
    world.state.last = world.head(2);
    world.mine();
    await expect(publisher.turn()).rejects.toThrow(InputError);
    world.pass(EVERY_MS);
    await publisher.turn();
    world.mine();
    expect(world.state.last).toEqual(world.head(3));
  });

  it("has not sent what the node did not take", async () => {
    let isDown = true;
    const publish: AnchorNode["publish"] = async (...args) => {
      if (isDown) throw new ProviderError("down");
      return world.parts.node.publish(...args);
    };
    const publisher = createPublisher({ ...world.parts, node: { ...world.parts.node, publish } });
    world.sign(3);
    await expect(publisher.turn()).rejects.toThrow(ProviderError);
    isDown = false;
    await publisher.turn();
    world.mine();
    expect(world.state.last).toEqual(world.head(3));
  });
});

describe("an anchor that does not fit the log", () => {
  const refused = async () => {
    const publisher = createPublisher(world.parts);
    await expect(publisher.turn()).rejects.toThrow(InputError);
    expect(world.sent).toEqual([]);
    return publisher.published().lastSize;
  };

  it("tells the log of a head it has not signed", async () => {
    world.sign(3);
    world.state.last = { size: 9, root: leafHash(Uint8Array.of(9)) };
    await refused();
    expect(world.later).toEqual([9]);
    world.state.last.size = Number(2n ** 64n - 1n);
    await refused();
    expect(world.later).toEqual([9, Number.MAX_SAFE_INTEGER]);
  });

  it("is told apart from one whose head has another root", async () => {
    world.sign(9);
    world.state.last = { size: 3, root: leafHash(Uint8Array.of(9)) };
    await refused();
    expect(world.later).toEqual([]);
  });

  it.each([
    ["another log's", { originHash: originHash("another.test/log") }, null],
    ["another owner's", { owner: `0x${"22".repeat(20)}` as Hex }, "9"],
  ])("is believed nothing when it is %s", async (_name, change, published) => {
    world.sign(3);
    Object.assign(world.state, change, { last: { size: 9, root: leafHash(Uint8Array.of(9)) } });
    expect(await refused()).toBe(published);
    expect(world.later).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { parseEventLogs } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkpointAnchorAbi } from "../../abis/checkpoint-anchor.ts";
import { type Compiled, compileAll, filesOf, TARGETS } from "../../contracts/compile.ts";
import type { Contract } from "../../devnet/kit.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { headRefusal, type LogHead, leafArguments, originHash, publishArguments } from "../../src/core/proof/anchor.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { encodeLeaf, globalLeaf, parseLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { AnchoredLog, type AnchorWorld, deployAnchor, ORIGIN, refusalOf, startAnchorWorld } from "./anchor-world.ts";
import { fieldsOf, hash, sampleOf } from "./leaf-samples.ts";

let world: AnchorWorld;
let anchor: Contract;

beforeAll(async () => {
  world = await startAnchorWorld();
  anchor = await deployAnchor(world.kit, world.owner);
});

afterAll(() => world?.anvil.stop());

const factLeaf = (i: number): Uint8Array => encodeLeaf(globalLeaf("fact", hash(i)));
const read = (functionName: string, args: readonly unknown[] = []) => world.kit.read(anchor, functionName, args);

describe("committed files are what the sources give", () => {
  const compiled = compileAll();

  it.each(TARGETS)("$name", (target) => {
    for (const [url, text] of filesOf(target, compiled.get(target.name) as Compiled)) {
      expect(readFileSync(url, "utf8") === text, `${url} is not current: run contracts/compile.ts`).toBe(true);
    }
  });
});

describe("publishing", () => {
  const log = new AnchoredLog();
  for (let i = 0; i < 60; i++) log.append(factLeaf(i));
  const publish = (contract: Contract, args: readonly unknown[], from = world.owner) =>
    refusalOf(world.kit, contract, { functionName: "publish", args, from });

  it("names its owner and its log", async () => {
    expect(await read("owner")).toBe(world.owner);
    expect(await read("originHash")).toBe(originHash(ORIGIN));
    expect(await read("latestSize")).toBe(0n);
  });

  it("takes a first head without a proof and later ones with theirs, and keeps each", async () => {
    for (const size of [7, 8, 31, 60]) {
      const before = (await read("latestSize")) as bigint;
      const args = log.publishing(size);
      await world.kit.send(anchor, "publish", args, { from: world.owner });
      const logs = await world.kit.client.getLogs({ address: anchor.address, fromBlock: "latest" });
      const [event] = parseEventLogs({ abi: checkpointAnchorAbi, eventName: "HeadPublished", logs });
      const oldRoot = before === 0n ? `0x${"00".repeat(32)}` : toHex(log.tree.root(Number(before)));
      expect(event?.args).toEqual({ oldSize: before, oldRoot, newSize: BigInt(size), newRoot: args[1] });
    }
    for (const size of [7, 8, 31, 60]) expect(await read("rootAt", [size])).toBe(toHex(log.tree.root(size)));
    expect(await read("latestSize")).toBe(60n);
  });

  it("takes the last head again and changes nothing", async () => {
    await world.kit.send(anchor, "publish", log.publishing(60), { from: world.owner });
    expect(await world.kit.client.getLogs({ address: anchor.address, fromBlock: "latest" })).toEqual([]);
    expect(await read("latestSize")).toBe(60n);
  });

  it("refuses what TypeScript refuses, by the same name", async () => {
    const fresh = await deployAnchor(world.kit, world.owner);
    const other = MerkleTree.from(Array.from({ length: 80 }, (_, i) => leafHash(Uint8Array.of(1, i))));
    const last = log.head(60);
    const grown: LogHead = { size: 80, root: other.root(80) };
    const cases: [expected: string, contract: Contract, head: LogHead, last: LogHead | null, proof: Uint8Array[]][] = [
      ["NoTree", fresh, { size: 0, root: other.root(0) }, null, []],
      ["NoTree", fresh, { size: 3, root: new Uint8Array(32) }, null, []],
      ["InconsistentHead", fresh, log.head(8), null, log.tree.consistencyProof(7, 8)],
      ["NoTree", anchor, { size: 0, root: other.root(0) }, last, []],
      ["SmallerHead", anchor, log.head(31), last, []],
      ["SmallerHead", anchor, log.head(59), last, log.tree.consistencyProof(59, 60)],
      ["AnotherRoot", anchor, { size: 60, root: other.root(60) }, last, []],
      ["InconsistentHead", anchor, log.head(60), last, log.tree.consistencyProof(59, 60)],
      ["InconsistentHead", anchor, grown, last, []],
      ["InconsistentHead", anchor, grown, last, other.consistencyProof(60, 80)],
    ];
    for (const [expected, contract, head, before, proof] of cases) {
      const args = [BigInt(head.size), toHex(head.root), proof.map(toHex)];
      expect(await publish(contract, args), expected).toBe(expected);
      expect(headRefusal(head, { last: before, proof })).toBe(expected);
      expect(() => publishArguments(head, { last: before, proof })).toThrow(InputError);
    }
    expect(await publish(fresh, [8n, toHex(log.tree.root(8)), []])).toBeNull();
  });

  it("refuses everybody but its owner", async () => {
    log.append(factLeaf(60));
    const args = log.publishing();
    expect(await publish(anchor, args, world.kit.accounts[0] as Hex)).toBe("NotOwner");
    expect(await publish(anchor, args)).toBeNull();
  });
});

describe("reading leaves", () => {
  it("gives a leaf's fields under every published head that has it, and under no other", async () => {
    const log = new AnchoredLog();
    const contract = await deployAnchor(world.kit, world.owner);
    for (let i = 0; i < 20; i++) log.append(factLeaf(i));
    for (const size of [11, 20]) {
      await world.kit.send(contract, "publish", log.publishing(size), { from: world.owner });
    }
    const refusal = (args: readonly unknown[]) => refusalOf(world.kit, contract, { functionName: "readLeaf", args });
    const leaf = factLeaf(10);
    for (const size of [11, 20]) {
      const args = leafArguments(leaf, { ...log.path(10, size), root: log.tree.root(size) });
      expect(await world.kit.read(contract, "readLeaf", args)).toEqual(fieldsOf(parseLeaf(leaf)));
    }
    const [, index, bytes, proof] = leafArguments(leaf, { ...log.path(10, 12), root: log.tree.root(12) });
    expect(await refusal([12n, index, bytes, proof])).toBe("HeadNotAnchored");
    expect(await refusal([20n, index, bytes, proof])).toBe("LeafNotIncluded");
    expect(await refusal([20n, 9n, bytes, log.path(10, 20).proof.map(toHex)])).toBe("LeafNotIncluded");
    expect(await refusal([20n, 10n, toHex(factLeaf(9)), log.path(10, 20).proof.map(toHex)])).toBe("LeafNotIncluded");
    expect(() => leafArguments(leaf, { ...log.path(9, 20), root: log.tree.root(20) })).toThrow(InputError);
  });

  it("refuses an entry that is included and is no leaf", async () => {
    const contract = await deployAnchor(world.kit, world.owner);
    const log = new AnchoredLog();
    const bad = factLeaf(1);
    bad[0] = 2;
    log.append(bad);
    await world.kit.send(contract, "publish", log.publishing(), { from: world.owner });
    const args = [1n, 0n, toHex(bad), []];
    expect(await refusalOf(world.kit, contract, { functionName: "readLeaf", args })).toBe("UnknownVersion");
    expect(() => leafArguments(bad, { ...log.path(0), root: log.tree.root() })).toThrow(InputError);
  });

  it("names what is wrong with a leaf", async () => {
    const leafAt = (leaf: Uint8Array, offset: number, byte: number): Uint8Array => {
      const changed = leaf.slice();
      changed[offset] = byte;
      return changed;
    };
    const assessment = encodeLeaf(sampleOf("assessment"));
    const epoch = encodeLeaf(sampleOf("epoch"));
    const without = (leaf: Uint8Array, from: number, to: number) => leaf.slice().fill(0, from, to);
    const cases: [expected: string, leaf: Uint8Array][] = [
      ["WrongLength", assessment.slice(1)],
      ["WrongLength", Uint8Array.of(...assessment, 0)],
      ["UnknownVersion", leafAt(assessment, 0, 0)],
      ["UnknownKind", leafAt(assessment, 1, 0)],
      ["UnknownKind", leafAt(assessment, 1, 8)],
      ["UnknownOutcome", leafAt(assessment, 114, 4)],
      ["MisplacedField", leafAt(assessment, 114, 0)],
      ["MisplacedField", leafAt(epoch, 114, 1)],
      ["MisplacedField", leafAt(epoch, 81, 1)],
      ["MisplacedField", leafAt(epoch, 82, 1)],
      ["MisplacedField", without(epoch, 2, 10)],
      ["MisplacedField", without(assessment, 50, 82)],
      ["MisplacedField", without(assessment, 82, 114)],
      ["MisplacedField", leafAt(factLeaf(0), 9, 1)],
      ["MisplacedField", leafAt(factLeaf(0), 17, 1)],
      ["MisplacedField", leafAt(factLeaf(0), 49, 1)],
    ];
    for (const [expected, leaf] of cases) {
      const args = [toHex(leaf)];
      expect(await refusalOf(world.kit, anchor, { functionName: "parseLeaf", args }), expected).toBe(expected);
      expect(() => parseLeaf(leaf)).toThrow(InputError);
    }
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  checkHashTile,
  entriesOf,
  entryTiles,
  narrowed,
  newHashTiles,
  readGrowth,
  readInclusion,
  readOver,
  type TileReading,
} from "../../../src/core/log/tile-reading.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { MerkleTree, rootsOfGrowth, verifyConsistency, verifyInclusion } from "../../../src/core/proof/merkle.ts";
import { growthFrom } from "../../../src/core/proof/merkle-paths.ts";
import {
  encodeEntries,
  parseTilePath,
  type Tile,
  tileHashes,
  tilePath,
  tilesOf,
} from "../../../src/core/proof/tiles.ts";
import { SampleLog } from "./sample.ts";

/** A tree with three levels of tiles. Its leaf hashes are numbers: what they are hashes of plays no part. */
const SIZE = 70_000;
const TREE = new MerkleTree();
for (let i = 0; i < SIZE; i++) {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(28, i);
  TREE.append(hash);
}
const EDGES = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 69_999, SIZE];
const anySize = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: 1, max: SIZE }));

/** Runs a reading over the tree's tiles as they were at a size; `asked` gathers which. */
async function read<T>(reading: TileReading<T>, size: number, asked: Tile[] = []): Promise<T> {
  const existing = new Set(tilesOf(size).map(tilePath));
  return await readOver(reading, async (tiles) => {
    asked.push(...tiles);
    for (const tile of tiles) expect(existing.has(tilePath(tile)), `${tilePath(tile)} at size ${size}`).toBe(true);
    return tiles.map((tile) => tileHashes(TREE, tile as Tile & { kind: "hashes" }) as Uint8Array);
  });
}

const bytesOf = (reading: TileReading<unknown>, change: (bytes: Uint8Array, tile: Tile) => Uint8Array) =>
  readOver(reading, async (tiles) =>
    tiles.map((tile) => change(tileHashes(TREE, tile as Tile & { kind: "hashes" }) as Uint8Array, tile)),
  );

describe("a proof from tiles", () => {
  it("is that of the tree, for leaves of trees of any size, from tiles there are at that size", async () => {
    const check = async (size: number, at: number) => {
      const index = at % size;
      const asked: Tile[] = [];
      const proof = await read(readInclusion({ index, size }), size, asked);
      expect(proof.map(toHex)).toEqual(TREE.inclusionProof(index, size).map(toHex));
      const leafHash = TREE.node(0, index) as Uint8Array;
      expect(verifyInclusion({ index, size, leafHash, proof, root: TREE.root(size) })).toBe(true);
      expect(asked.length).toBeLessThanOrEqual(6);
    };
    for (const size of EDGES) for (const index of [0, size - 1, size >> 1]) await check(size, index);
    await fc.assert(fc.asyncProperty(anySize, fc.nat(), check), { seed: 1, numRuns: 150 });
  });

  it("of growth leads from any size to any later one", async () => {
    const check = async (a: number, b: number) => {
      if (a === b) return;
      const [first, second] = [Math.min(a, b), Math.max(a, b)];
      const asked: Tile[] = [];
      const path = await read(readGrowth({ first, second }), second, asked);
      expect(rootsOfGrowth({ first, second, path })).toEqual({ first: TREE.root(first), second: TREE.root(second) });
      const nodeOf = (level: number, index: number) => TREE.node(level, index);
      expect(path.map(toHex)).toEqual(growthFrom(nodeOf, { first, second }).map(toHex));
      expect(asked.length).toBeLessThanOrEqual(6);
    };
    for (const first of EDGES) for (const second of EDGES) await check(first, second);
    await fc.assert(fc.asyncProperty(anySize, anySize, check), { seed: 1, numRuns: 150 });
  });

  it("asks for what it needs in one round, and for nothing in a tree of one leaf", async () => {
    const asked: Tile[] = [];
    expect(await read(readInclusion({ index: 0, size: 1 }), 1, asked)).toEqual([]);
    expect(asked).toEqual([]);
    const reading = readInclusion({ index: 300, size: SIZE });
    const paths = (reading.next().value as readonly Tile[]).map(tilePath).sort();
    expect(paths).toEqual(["tile/0/001", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17"]);
  });

  it("names a tile that is too short, too long or missing", async () => {
    const reading = () => readGrowth({ first: 300, second: 600 });
    await expect(bytesOf(reading(), (bytes) => bytes.slice(0, -1))).rejects.toThrow(/tile\/\d\/\d{3}/);
    for (const length of [0, 1, 31]) {
      const cut = bytesOf(reading(), (bytes, { width }) => (width === 88 ? bytes.slice(0, length) : bytes));
      await expect(cut).rejects.toThrow("tile/0/002.p/88");
      await expect(cut).rejects.toThrow(InputError);
    }
    const longer = bytesOf(reading(), (bytes) => Uint8Array.of(...bytes, 0));
    await expect(longer).rejects.toThrow(InputError);
    await expect(readOver(reading(), async () => [])).rejects.toThrow(InputError);
  });

  it("from a tile with any bit changed proves nothing", async () => {
    const [first, second] = [300, 600];
    const claim = { first, second, firstRoot: TREE.root(first), secondRoot: TREE.root(second) };
    const pick = fc.record({ at: fc.nat(), bit: fc.nat({ max: 7 }), which: fc.nat() });
    let changedProofs = 0;
    const property = fc.asyncProperty(pick, async ({ at, bit, which }) => {
      const asked: Tile[] = [];
      const good = await read(readGrowth({ first, second }), second, asked);
      const chosen = tilePath(asked[which % asked.length] as Tile);
      const path = (await bytesOf(readGrowth({ first, second }), (bytes, tile) => {
        const i = at % bytes.length;
        return tilePath(tile) === chosen ? bytes.with(i, (bytes[i] as number) ^ (1 << bit)) : bytes;
      })) as Uint8Array[];
      // A hash that the proof does not rest on may be anything.
      if (path.map(toHex).join() === good.map(toHex).join()) return;
      changedProofs++;
      expect(verifyConsistency({ ...claim, proof: path })).toBe(false);
      expect(rootsOfGrowth({ first, second, path })?.second).not.toEqual(claim.secondRoot);
    });
    await fc.assert(property, { seed: 1, numRuns: 100 });
    expect(changedProofs).toBeGreaterThan(20);
  });

  it("is of leaves and sizes there are", () => {
    expect(() => readInclusion({ index: 5, size: 5 }).next()).toThrow(InputError);
    expect(() => readGrowth({ first: 0, second: 5 }).next()).toThrow(InputError);
    expect(() => readGrowth({ first: 6, second: 5 }).next()).toThrow(InputError);
  });
});

describe("the files that have changed", () => {
  it("are all tiles for a reader who has nothing, and those that grew for one who has the rest", () => {
    for (const size of EDGES) {
      const all = tilesOf(size).filter(({ kind }) => kind === "hashes");
      expect([...newHashTiles(0, size)].map(tilePath)).toEqual(all.map(tilePath));
      for (const from of EDGES.filter((edge) => edge <= size)) {
        const before = new Set(tilesOf(from).map(tilePath));
        const expected = all.map(tilePath).filter((path) => !before.has(path));
        expect([...newHashTiles(from, size)].map(tilePath)).toEqual(expected);
      }
    }
  });

  it("hold every new entry once", () => {
    const log = new SampleLog(600);
    for (const [from, size] of [
      [0, 600],
      [255, 256],
      [256, 600],
      [300, 599],
      [600, 600],
    ] as const) {
      const found = [...entryTiles(from, size)].flatMap((tile) =>
        entriesOf(tile, log.bytes(tile)).map((entry, i) => [tile.index * 256 + i, toHex(entry)] as const),
      );
      const fresh = found.filter(([index]) => index >= from);
      expect(fresh).toEqual(log.entries.slice(from, size).map((entry, i) => [from + i, toHex(entry)]));
      expect(found.length - fresh.length).toBeLessThan(256);
    }
  });

  it("are refused, by name, when they do not hold what they should", () => {
    const log = new SampleLog(300);
    const bundle = { kind: "entries", index: 1, width: 44 } as const;
    const bytes = log.bytes(bundle);
    expect(entriesOf(bundle, bytes)).toHaveLength(44);
    for (const wrong of [bytes.slice(0, -1), encodeEntries(log.entries.slice(256, 299)), new Uint8Array()]) {
      expect(() => entriesOf(bundle, wrong)).toThrow(/tile\/entries\/001\.p\/44/);
      expect(() => entriesOf(bundle, wrong)).toThrow(InputError);
    }
    for (const tile of newHashTiles(0, 300)) {
      const hashes = log.bytes(tile);
      expect(() => checkHashTile(log.tree, { tile, bytes: hashes })).not.toThrow();
      for (const wrong of [hashes.slice(0, -32), hashes.with(5, (hashes[5] as number) ^ 1)]) {
        expect(() => checkHashTile(log.tree, { tile, bytes: wrong })).toThrow(InputError);
      }
    }
    const beyond = { kind: "hashes", level: 0, index: 1, width: 45 } as const;
    expect(() => checkHashTile(log.tree, { tile: beyond, bytes: new Uint8Array(45 * 32) })).toThrow(InputError);
  });

  it("can be cut from the full ones when those have taken their place", () => {
    const log = new SampleLog(256);
    for (const path of ["tile/0/000.p/9", "tile/entries/000.p/9", "tile/entries/000.p/255"]) {
      const tile = parseTilePath(path) as Tile;
      expect(narrowed(tile, log.bytes({ ...tile, width: 256 }))).toEqual(log.bytes(tile));
    }
    expect(narrowed({ kind: "entries", index: 0, width: 9 }, new Uint8Array(3))).toHaveLength(3);
  });
});

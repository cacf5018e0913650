import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { leafHash, MerkleTree, rootOf } from "../../../src/core/proof/merkle.ts";
import {
  decodeEntries,
  encodeEntries,
  parseTilePath,
  type Tile,
  tileHashes,
  tilePath,
  tilesOf,
} from "../../../src/core/proof/tiles.ts";

const entry = (i: number): Uint8Array => new TextEncoder().encode(`entry ${i}`);

describe("tile paths", () => {
  it.each([
    ["tile/0/x001/x234/067", { kind: "hashes", level: 0, index: 1_234_067, width: 256 }],
    ["tile/3/000.p/8", { kind: "hashes", level: 3, index: 0, width: 8 }],
    ["tile/63/999", { kind: "hashes", level: 63, index: 999, width: 256 }],
    ["tile/entries/x001/000.p/255", { kind: "entries", index: 1000, width: 255 }],
  ] as const)("%s", (path, tile) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it.each([
    "tile/00/000",
    "tile/64/000",
    "tile/0/0",
    "tile/0/001/000",
    "tile/0/x000/001",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/08",
    "tile/0/000/",
    "tile/data/000",
    "/tile/0/000",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
    "tile/0/../000",
    "",
  ])("refuses %s", (path) => {
    expect(parseTilePath(path)).toBeNull();
  });

  it("reads back what it writes", () => {
    const tile = fc.record({
      index: fc.nat({ max: 2 ** 40 }),
      width: fc.integer({ min: 1, max: 256 }),
      level: fc.option(fc.nat({ max: 63 })),
    });
    fc.assert(
      fc.property(tile, ({ level, ...at }) => {
        const whole: Tile = level === null ? { kind: "entries", ...at } : { kind: "hashes", level, ...at };
        expect(parseTilePath(tilePath(whole))).toEqual(whole);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("tiles of a tree", () => {
  it("are those of the specification's example of 70,000 leaves", () => {
    const tiles = tilesOf(70_000).filter((tile) => tile.kind === "hashes");
    const full = tiles.filter((tile) => tile.width === 256).map((tile) => tile.level);
    expect(full).toEqual([...new Array(273).fill(0), 1]);
    expect(tiles.filter((tile) => tile.width < 256).map((tile) => [tile.level, tile.width])).toEqual([
      [0, 112],
      [1, 17],
      [2, 1],
    ]);
    expect(tilesOf(256).map(tilePath)).toEqual(["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    expect(tilesOf(0)).toEqual([]);
  });

  it("hold the hashes of complete subtrees, and nothing before it is complete", () => {
    const leaves = Array.from({ length: 600 }, (_, i) => leafHash(entry(i)));
    const tree = MerkleTree.from(leaves);
    const first = tileHashes(tree, { kind: "hashes", level: 0, index: 1, width: 256 });
    expect(first).toEqual(Uint8Array.from(Buffer.concat(leaves.slice(256, 512))));
    const second = tileHashes(tree, { kind: "hashes", level: 1, index: 0, width: 2 });
    expect(Buffer.from(second as Uint8Array).toString("hex")).toBe(
      Buffer.concat([rootOf(leaves.slice(0, 256)), rootOf(leaves.slice(256, 512))]).toString("hex"),
    );
    expect(tileHashes(tree, { kind: "hashes", level: 1, index: 0, width: 3 })).toBeNull();
    expect(tileHashes(tree, { kind: "hashes", level: 0, index: 2, width: 89 })).toBeNull();
    expect(tileHashes(tree, { kind: "hashes", level: 0, index: 2, width: 88 })).toHaveLength(88 * 32);
  });
});

describe("entry bundles", () => {
  it("have two bytes of length before each entry", () => {
    const bundle = encodeEntries([Uint8Array.of(9), new Uint8Array(258), new Uint8Array()]);
    expect([...bundle.slice(0, 5)]).toEqual([0, 1, 9, 1, 2]);
    expect(bundle).toHaveLength(3 + 260 + 2);
    expect(decodeEntries(bundle).map((e) => e.length)).toEqual([1, 258, 0]);
  });

  it("are refused where they end within an entry, or hold too much", () => {
    const bundle = encodeEntries([entry(1), entry(2)]);
    for (let length = 1; length < bundle.length; length++) {
      if (length === bundle.length / 2) continue;
      expect(() => decodeEntries(bundle.slice(0, length))).toThrow(InputError);
    }
    expect(() => decodeEntries(new Uint8Array(2 * 257))).toThrow(InputError);
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(InputError);
  });
});

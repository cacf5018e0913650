import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { EdgeTree } from "../../../src/core/log/edge-tree.ts";
import { edgeTiles } from "../../../src/core/log/tile-reading.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { leafHash, MerkleTree } from "../../../src/core/proof/merkle.ts";
import { tileHashes } from "../../../src/core/proof/tiles.ts";

const whole = MerkleTree.from(Array.from({ length: 70_000 }, (_, i) => leafHash(new TextEncoder().encode(`${i}`))));
const edgeOf = (size: number) => {
  const tree = MerkleTree.from(Array.from({ length: size }, (_, i) => whole.node(0, i) as Uint8Array));
  return edgeTiles(size).map((tile) => tileHashes(tree, tile) as Uint8Array);
};

describe("the edge of a log", () => {
  test.each([0, 1, 255, 256, 257, 700, 65_535, 65_536, 65_700])(
    "of %d leaves makes its root and grows as the whole tree does",
    (size) => {
      const edge = EdgeTree.from(size, edgeOf(size));
      expect(edge.size).toBe(size);
      expect(toHex(edge.root())).toBe(toHex(whole.root(size)));
      for (let i = size; i < size + 600; i++) {
        edge.append(whole.node(0, i) as Uint8Array);
        if (i % 97 === 0) edge.forget();
        if (i % 31 === 0) expect(toHex(edge.root())).toBe(toHex(whole.root(i + 1)));
      }
      expect(edge.size).toBe(size + 600);
      expect(toHex(edge.root())).toBe(toHex(whole.root(size + 600)));
    },
  );

  test("knows the nodes of its tiles until they are forgotten, and no others", () => {
    const edge = EdgeTree.from(700, edgeOf(700));
    expect(edge.node(0, 511)).toBeNull();
    expect(edge.node(0, 512)).toEqual(whole.node(0, 512));
    expect(edge.node(3, 65)).toEqual(whole.node(3, 65));
    expect(edge.node(8, 1)).toEqual(whole.node(8, 1));
    for (let i = 700; i < 800; i++) edge.append(whole.node(0, i) as Uint8Array);
    expect(edge.node(0, 512)).toEqual(whole.node(0, 512));
    edge.forget();
    expect(edge.node(0, 512)).toBeNull();
    expect(edge.node(0, 799)).toEqual(whole.node(0, 799));
    expect(edge.node(9, 1)).toBeNull();
  });

  test("is refused from tiles that are cut short or missing", () => {
    const [first, ...others] = edgeOf(700);
    expect(() => EdgeTree.from(700, [first?.slice(1) as Uint8Array, ...others])).toThrow(InputError);
    expect(() => EdgeTree.from(700, [first as Uint8Array])).toThrow(InputError);
  });
});

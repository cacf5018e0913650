/**
 * Reading a tiled log: which of its files hold what one wants to know, and what follows from their bytes. A reading is
 * plain code without a network; whoever has one runs it (`readOver`).
 * @see https://c2sp.org/tlog-tiles
 */
import { InputError } from "../errors.ts";
import { equalBytes } from "../proof/bytes.ts";
import { type MerkleTree, nodeHash } from "../proof/merkle.ts";
import { growthFrom, inclusionFrom, type NodeOf } from "../proof/merkle-paths.ts";
import { HASH_BYTES } from "../proof/sha256.ts";
import { decodeEntries, TILE_HEIGHT, TILE_WIDTH, type Tile, tileHashes, tilePath } from "../proof/tiles.ts";

/**
 * Rounds of files of the log, answered with their bytes in the same order, then a result. A result proves nothing by
 * itself: a log can serve whatever it likes, so that a proof is checked against roots that are signed.
 */
export type TileReading<T> = Generator<readonly Tile[], T, readonly Uint8Array[]>;

/** A tile of hashes. */
export type HashTile = Tile & { kind: "hashes" };

/** Runs a reading with what `fetchTiles` gives. */
export async function readOver<T>(
  reading: TileReading<T>,
  fetchTiles: (tiles: readonly Tile[]) => Promise<readonly Uint8Array[]>,
): Promise<T> {
  let step = reading.next();
  while (!step.done) step = reading.next(await fetchTiles(step.value));
  return step.value;
}

/**
 * Proof that leaf `index` is among the first `size`, as the log's tiles at that size give it.
 * @throws InputError for an index beyond the size, or when a tile has not the bytes of its width.
 */
export function* readInclusion(of: { index: number; size: number }): TileReading<Uint8Array[]> {
  return yield* readNodes(of.size, (nodeOf) => inclusionFrom(nodeOf, of));
}

/**
 * The path by which the first `first` leaves grew to `second`, as `growthFrom` has it, from the log's tiles at the greater
 * size: at most two for each level of tiles, whatever the sizes.
 * @throws InputError for sizes out of order or 0, or when a tile has not the bytes of its width.
 */
export function* readGrowth(of: { first: number; second: number }): TileReading<Uint8Array[]> {
  return yield* readNodes(of.second, (nodeOf) => growthFrom(nodeOf, of));
}

/**
 * The bundles that hold the leaves from index `from` up to `size`, as they are at that size; one by one, because a log can
 * sign any size.
 */
export function* entryTiles(from: number, size: number): Generator<Tile & { kind: "entries" }> {
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < size; index++) {
    yield { kind: "entries", index, width: widthOf({ level: 0, index }, size) };
  }
}

/** The tiles of hashes that a log of `size` leaves has and one of `from` had not, one by one. */
export function* newHashTiles(from: number, size: number): Generator<HashTile> {
  for (let level = 0, width = 1; width <= size; level++, width *= TILE_WIDTH) {
    const first = Math.floor(from / width / TILE_WIDTH);
    for (let index = first; index * TILE_WIDTH < Math.floor(size / width); index++) {
      const tile: HashTile = { kind: "hashes", level, index, width: widthOf({ level, index }, size) };
      if (tile.width > widthOf({ level, index }, from)) yield tile;
    }
  }
}

/** The partial tiles of hashes at the edge of a log: from them alone it can be grown (`EdgeTree`). */
export function edgeTiles(size: number): HashTile[] {
  const tiles: HashTile[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    const tile: HashTile = { kind: "hashes", level, index: Math.floor(count / TILE_WIDTH), width: count % TILE_WIDTH };
    if (tile.width > 0) tiles.push(tile);
  }
  return tiles;
}

/** The entries of a bundle. @throws InputError, naming it, when it does not hold exactly as many as its width says. */
export function entriesOf(tile: Tile, bytes: Uint8Array): Uint8Array[] {
  let entries: Uint8Array[];
  try {
    entries = decodeEntries(bytes);
  } catch (error) {
    throw new InputError(`${tilePath(tile)} is not a bundle of entries.`, { cause: error });
  }
  if (entries.length !== tile.width) {
    throw new InputError(`${tilePath(tile)} has ${entries.length} entries; expected ${tile.width}.`);
  }
  return entries;
}

/** Checks the bytes of a tile of hashes against a tree made from the entries themselves. @throws InputError naming the tile. */
export function checkHashTile(
  tree: Pick<MerkleTree, "node">,
  { tile, bytes }: { tile: HashTile; bytes: Uint8Array },
): void {
  const expected = tileHashes(tree, tile);
  if (expected === null || !equalBytes(bytes, expected)) {
    throw new InputError(`${tilePath(tile)} does not hold the hashes of the log's own entries.`);
  }
}

/** Hashes of a partial tile from a wider one of the same place: logs may drop partial tiles once the full one is there. */
export function narrowed(tile: Tile, wider: Uint8Array): Uint8Array {
  if (tile.kind === "hashes") return wider.slice(0, tile.width * HASH_BYTES);
  let at = 0;
  for (let i = 0; i < tile.width; i++) at += 2 + (((wider[at] ?? 0) << 8) | (wider[at + 1] ?? 0));
  return wider.slice(0, at);
}

/**
 * Works something out of the nodes of a tree that its tiles hold: once to see which nodes are needed, once with the hashes
 * of these.
 */
function* readNodes<T>(size: number, workOut: (nodeOf: NodeOf) => T): TileReading<T> {
  const tiles = new Map<string, HashTile>();
  const blank = new Uint8Array(HASH_BYTES);
  workOut((level, index) => {
    const { tile } = placeOf({ level, index }, size);
    tiles.set(tilePath(tile), tile);
    return blank;
  });
  const wanted = [...tiles.values()];
  const answers = wanted.length === 0 ? [] : yield wanted;
  const bytesOf = new Map(wanted.map((tile, i) => [tilePath(tile), checkLength(tile, answers[i])]));
  return workOut((level, index) => {
    const { tile, from, count } = placeOf({ level, index }, size);
    const bytes = bytesOf.get(tilePath(tile));
    return bytes === undefined ? null : subtreeHash(bytes, { from, count });
  });
}

/** Where the hash of a complete subtree follows from: `count` hashes of a tile, from number `from` on. */
function placeOf(
  node: { level: number; index: number },
  size: number,
): { tile: HashTile; from: number; count: number } {
  const level = Math.floor(node.level / TILE_HEIGHT);
  const count = 2 ** (node.level % TILE_HEIGHT);
  const index = Math.floor((node.index * count) / TILE_WIDTH);
  const tile: HashTile = { kind: "hashes", level, index, width: widthOf({ level, index }, size) };
  return { tile, from: node.index * count - index * TILE_WIDTH, count };
}

/** How many hashes or entries stand in a tile at a size; 0 when it is not there yet. */
function widthOf({ level, index }: { level: number; index: number }, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

function checkLength(tile: HashTile, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes?.length !== tile.width * HASH_BYTES) {
    throw new InputError(`${tilePath(tile)} has ${bytes?.length ?? 0} bytes; expected ${tile.width * HASH_BYTES}.`);
  }
  return bytes;
}

/** Root of the complete subtree over `count` hashes, a power of two, of a tile. */
function subtreeHash(bytes: Uint8Array, { from, count }: { from: number; count: number }): Uint8Array {
  if (count === 1) return bytes.slice(from * HASH_BYTES, (from + 1) * HASH_BYTES);
  const half = count / 2;
  return nodeHash(subtreeHash(bytes, { from, count: half }), subtreeHash(bytes, { from: from + half, count: half }));
}

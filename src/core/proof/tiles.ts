/**
 * The static files in which a log serves its tree and its entries.
 * @see https://c2sp.org/tlog-tiles
 */
import { concatBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import type { MerkleTree } from "./merkle.ts";

/** Hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree between a row of tiles and the next. */
export const TILE_HEIGHT = 8;
const MAX_LEVEL = 63;
const MAX_ENTRY_BYTES = 65_535;

/** A file of the log: hashes of a level, or the entries below them. `width` is 256 for a full one, else what it holds. */
export type Tile =
  | { kind: "hashes"; level: number; index: number; width: number }
  | { kind: "entries"; index: number; width: number };

/** Path of a tile below the log's prefix: `tile/0/x001/x234/067.p/8`, `tile/entries/000`. */
export function tilePath(tile: Tile): string {
  const level = tile.kind === "entries" ? "entries" : tile.level.toString();
  const suffix = tile.width === TILE_WIDTH ? "" : `.p/${tile.width}`;
  return `tile/${level}/${indexPath(tile.index)}${suffix}`;
}

/** The tile a path names; null when it names none. Exactly one path names a tile. */
export function parseTilePath(path: string): Tile | null {
  const m = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (!m) return null;
  const [kind, digits, partial] = m.slice(1) as [string, string, string | undefined];
  const index = Number(digits.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(index) || width < 1 || width > TILE_WIDTH) return null;
  const tile: Tile =
    kind === "entries" ? { kind, index, width } : { kind: "hashes", level: Number(kind), index, width };
  if (tile.kind === "hashes" && tile.level > MAX_LEVEL) return null;
  return tilePath(tile) === path ? tile : null;
}

/** Contents of a tile of hashes; null while the tree does not hold all of it. */
export function tileHashes(
  tree: Pick<MerkleTree, "node">,
  tile: Tile & { kind: "hashes" },
): Uint8Array<ArrayBuffer> | null {
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < tile.width; i++) {
    const hash = tree.node(tile.level * TILE_HEIGHT, tile.index * TILE_WIDTH + i);
    if (hash === null) return null;
    hashes.push(hash);
  }
  return concatBytes(...hashes);
}

/** The tiles a tree of this size needs, partial ones as wide as they are: levels from 0, entries last. */
export function tilesOf(size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0, count = size; count > 0; level++) {
    tiles.push(...row(count).map((at) => ({ kind: "hashes" as const, level, ...at })));
    count = Math.floor(count / TILE_WIDTH);
  }
  return [...tiles, ...row(size).map((at) => ({ kind: "entries" as const, ...at }))];
}

/** An entry bundle: each entry after its length, two bytes, big-endian. @throws InputError for an entry too long. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) {
        throw new InputError(`An entry has at most ${MAX_ENTRY_BYTES} bytes, not ${entry.length}.`);
      }
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** The entries of a bundle. @throws InputError when it ends within one or holds more than a full bundle. */
export function decodeEntries(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    const [high, low] = [bundle[at], bundle[at + 1]];
    const end = at + 2 + (((high ?? 0) << 8) | (low ?? 0));
    if (low === undefined || end > bundle.length) throw new InputError("The entry bundle ends within an entry.");
    entries.push(bundle.slice(at + 2, end));
    at = end;
  }
  if (entries.length > TILE_WIDTH) throw new InputError(`An entry bundle holds at most ${TILE_WIDTH} entries.`);
  return entries;
}

/** Three digits an element, all but the last after an `x`, so that no directory has the name of a file. */
function indexPath(index: number): string {
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) as string[];
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join("/");
}

/** The tiles of one row of `count` hashes or entries. */
function row(count: number): { index: number; width: number }[] {
  return Array.from({ length: Math.ceil(count / TILE_WIDTH) }, (_, index) => ({
    index,
    width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH),
  }));
}

import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Head } from "../../src/core/log/head.ts";
import {
  checkHashTile,
  entriesOf,
  entryTiles,
  type HashTile,
  narrowed,
  newHashTiles,
} from "../../src/core/log/tile-reading.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { leafHash, type MerkleTree } from "../../src/core/proof/merkle.ts";
import { TILE_WIDTH, type Tile, tilePath } from "../../src/core/proof/tiles.ts";

/** Somebody's log as it is served. What it gives is not checked here. */
export type RemoteLog = {
  /** Where it is, without a slash at the end. */
  prefix: string;
  /** The signed checkpoint. */
  checkpoint(): Promise<string>;
  /** The list of its keys. What comes from where the log comes from proves nothing by itself. */
  keys(): Promise<string>;
  /** The bytes of files of the log, in order. */
  tiles(tiles: readonly Tile[]): Promise<Uint8Array[]>;
};

/** A tree that entries can be appended to. One that can forget its full tiles is told to when these have been checked. */
export type GrowingTree = Pick<MerkleTree, "size" | "node"> & {
  append(hash: Uint8Array): unknown;
  root(): Uint8Array;
  forget?(): void;
};

/** The log answers, and has not a file that its head says it has. */
export class MissingFile extends ProviderError {}

const MAX_TEXT_BYTES = 65_536;
/** A bundle of 256 entries, each as long as an entry can be. */
const MAX_TILE_BYTES = TILE_WIDTH * 65_537;
/** Files asked for at a time. */
const BATCH = 8;
/** After so many new leaves full tiles are checked and forgotten: a log can sign any size, and go on serving entries. */
const STAGE_LEAVES = 65_536;

/**
 * The log below a prefix like `https://host/log`.
 * @throws InputError for what is no such prefix; ProviderError (from its functions) when it does not answer, or not as
 * the log of its checkpoint would.
 */
export function remoteLog(prefix: string, { timeoutMs }: { timeoutMs: number }): RemoteLog {
  if (!/^https?:\/\//.test(prefix) || !URL.canParse(prefix)) {
    throw new InputError(`"${prefix}" is not where a log is served, like https://host/log.`);
  }
  const base = prefix.replace(/\/+$/, "");
  const get = (path: string, limit: number) => download(`${base}/${path}`, { limit, timeoutMs });
  const text = async (path: string) => new TextDecoder().decode(required(await get(path, MAX_TEXT_BYTES), path));

  async function tileBytes(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile);
    const bytes = await get(path, MAX_TILE_BYTES);
    if (bytes !== null || tile.width === TILE_WIDTH) return required(bytes, path);
    // A log may drop a partial tile once the full one is there.
    return narrowed(tile, required(await get(tilePath({ ...tile, width: TILE_WIDTH }), MAX_TILE_BYTES), path));
  }

  return {
    prefix: base,
    checkpoint: () => text("checkpoint"),
    keys: () => text("key"),
    async tiles(tiles) {
      const found: Uint8Array[] = [];
      for (let i = 0; i < tiles.length; i += BATCH) {
        found.push(...(await Promise.all(tiles.slice(i, i + BATCH).map(tileBytes))));
      }
      return found;
    },
  };
}

/**
 * Reads what a log has added up to a head, appends it to the tree of what was read before, and checks all of it: every new
 * entry and tile is what the head was signed over. That the tree began with what was read before shows that it only grew.
 * @param onEntry told each new entry, before the head is known to be over it.
 * @throws InputError naming what is wrong, ProviderError when the log does not answer; the tree is of no use then.
 */
export async function readOn(
  log: Pick<RemoteLog, "tiles">,
  { tree, head, onEntry }: { tree: GrowingTree; head: Head; onEntry?: (entry: Uint8Array, index: number) => void },
): Promise<void> {
  const from = tree.size;
  if (from > head.size) throw new InputError(`The head has ${head.size} leaves; ${from} have been read.`);
  let checked = from;
  for (const batch of batches(entryTiles(from, head.size))) {
    const found = await log.tiles(batch);
    for (const [i, tile] of batch.entries()) {
      const known = tree.size - tile.index * TILE_WIDTH;
      for (const entry of entriesOf(tile, found[i] as Uint8Array).slice(known)) {
        onEntry?.(entry, tree.size);
        tree.append(leafHash(entry));
      }
    }
    if (tree.size - checked < STAGE_LEAVES) continue;
    await checkTiles(log, { tree, tiles: full(newHashTiles(checked, tree.size)) });
    tree.forget?.();
    checked = tree.size;
  }
  if (!equalBytes(tree.root(), head.root)) {
    throw new InputError(`The log's ${head.size} entries are not those its head was signed over.`);
  }
  await checkTiles(log, { tree, tiles: notFullAt(checked, newHashTiles(from, head.size)) });
}

/** Checks tiles of hashes against a tree made from the entries themselves. @throws InputError naming the first that is wrong. */
async function checkTiles(
  log: Pick<RemoteLog, "tiles">,
  { tree, tiles }: { tree: GrowingTree; tiles: Iterable<HashTile> },
): Promise<void> {
  for (const batch of batches(tiles)) {
    const found = await log.tiles(batch);
    for (const [i, tile] of batch.entries()) checkHashTile(tree, { tile, bytes: found[i] as Uint8Array });
  }
}

/** Those tiles that are full: only they are there at every later size. */
function* full(tiles: Iterable<HashTile>): Generator<HashTile> {
  for (const tile of tiles) if (tile.width === TILE_WIDTH) yield tile;
}

/** Those tiles that were not full yet at a size. */
function* notFullAt(size: number, tiles: Iterable<HashTile>): Generator<HashTile> {
  for (const tile of tiles) if ((tile.index + 1) * TILE_WIDTH ** (tile.level + 1) > size) yield tile;
}

function* batches<T>(items: Iterable<T>): Generator<readonly T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function required(bytes: Uint8Array | null, path: string): Uint8Array {
  if (bytes === null) throw new MissingFile(`The log has no ${path}.`);
  return bytes;
}

/**
 * A body of at most `limit` bytes; null where there is none. Nobody is followed elsewhere: what is asked for, and of whom,
 * is not for the one who is watched to say.
 * @throws ProviderError when it does not answer so.
 */
export async function download(
  url: string,
  { limit, timeoutMs }: { limit: number; timeoutMs: number },
): Promise<Uint8Array | null> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    if (response.status === 404) {
      await response.body?.cancel();
      return null;
    }
    if (!response.ok) throw new ProviderError(`${url} answered ${response.status}.`);
    return await readLimited(response, { url, limit });
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError(`${url} does not answer.`, { cause: error });
  }
}

async function readLimited(response: Response, { url, limit }: { url: string; limit: number }): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) throw new ProviderError(`${url} has more than ${limit} bytes.`);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * The growing edge of somebody's log: what is needed to append entries to a tree of which the rest has been forgotten.
 */
import { InputError } from "../errors.ts";
import { rootOf } from "../proof/merkle.ts";
import { rootFrom } from "../proof/merkle-paths.ts";
import { HASH_BYTES } from "../proof/sha256.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../proof/tiles.ts";
import { edgeTiles } from "./tile-reading.ts";

/** Hashes of a row of tiles that are still known: those from number `from` on. */
type Row = { from: number; hashes: Uint8Array[] };

/**
 * A tree that knows the hashes of its partial tiles, and of the tiles that became full since `forget` was last called.
 *
 * Invariant: row `L` ends with the hash of the last complete subtree of 256^L leaves, and begins with a tile.
 */
export class EdgeTree {
  readonly #rows: Row[] = [{ from: 0, hashes: [] }];

  /**
   * The edge of a tree of `size` leaves. Nothing is known of the root but what `root()` then says.
   * @param bytes contents of `edgeTiles(size)`, in order.
   * @throws InputError when one has not the bytes of its width.
   */
  static from(size: number, bytes: readonly Uint8Array[]): EdgeTree {
    const tree = new EdgeTree();
    const tiles = edgeTiles(size);
    for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
      const at = tiles.findIndex((tile) => tile.level === level);
      const width = count % TILE_WIDTH;
      const content = at < 0 ? new Uint8Array() : (bytes[at] ?? new Uint8Array());
      if (content.length !== width * HASH_BYTES) {
        throw new InputError(`The tile of ${width} hashes at the edge has ${content.length} bytes.`);
      }
      const hashes = Array.from({ length: width }, (_, i) => content.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
      tree.#rows[level] = { from: count - width, hashes };
    }
    return tree;
  }

  /** Number of leaves. */
  get size(): number {
    const { from, hashes } = this.#row(0);
    return from + hashes.length;
  }

  /** Appends a leaf by its hash. */
  append(hash: Uint8Array): void {
    let node = hash;
    for (let level = 0; ; level++) {
      const { from, hashes } = this.#row(level);
      hashes.push(node);
      if ((from + hashes.length) % TILE_WIDTH !== 0) return;
      node = rootOf(hashes.slice(-TILE_WIDTH));
    }
  }

  /** Hash of the complete subtree of 2^`level` leaves number `index`; null where it is not complete or forgotten. */
  node(level: number, index: number): Uint8Array | null {
    const row = this.#rows[Math.floor(level / TILE_HEIGHT)];
    const count = 2 ** (level % TILE_HEIGHT);
    const first = index * count - (row?.from ?? 0);
    if (row === undefined || first < 0 || first + count > row.hashes.length) return null;
    return rootOf(row.hashes.slice(first, first + count));
  }

  /** Root of all leaves. */
  root(): Uint8Array {
    return rootFrom((level, index) => this.node(level, index), this.size);
  }

  /** Forgets full tiles: what follows does not need them. */
  forget(): void {
    for (const row of this.#rows) {
      const gone = row.hashes.length - (row.hashes.length % TILE_WIDTH);
      row.hashes.splice(0, gone);
      row.from += gone;
    }
  }

  #row(level: number): Row {
    let row = this.#rows[level];
    if (row === undefined) {
      row = { from: 0, hashes: [] };
      this.#rows[level] = row;
    }
    return row;
  }
}

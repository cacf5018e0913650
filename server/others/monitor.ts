/**
 * Watching somebody's log from outside: every head it gives must be signed by it, follow from the one before, and be over
 * the files it serves.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../src/core/errors.ts";
import { EdgeTree } from "../../src/core/log/edge-tree.ts";
import { compareHeads, type Fault, makeEvidence } from "../../src/core/log/fault.ts";
import { type Head, openHead } from "../../src/core/log/head.ts";
import {
  checkHashTile,
  edgeTiles,
  entriesOf,
  entryTiles,
  readGrowth,
  readOver,
} from "../../src/core/log/tile-reading.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import { TILE_WIDTH } from "../../src/core/proof/tiles.ts";
import { MissingFile, type RemoteLog, readOn } from "./remote-log.ts";

/** What a look at the log came to. `added` counts the entries that were new, and have all been read. */
export type Sighting =
  | { type: "good"; head: Head; added: number }
  | { type: "fault"; finding: Fault; sentence: string; evidence: Uint8Array };

/** Follows a log from head to head. */
export type Monitor = {
  /**
   * Looks at the log once. A good head becomes the one that the next must follow from.
   * @throws ProviderError when it does not answer; InputError when what it gives is no head signed by its key.
   */
  look(): Promise<Sighting>;
  /**
   * The same for a head that came another way, such as from the log's own hand. That may be one behind the last: then it
   * is good where the last one began with it, and the last stays what it was.
   * @throws ProviderError when the log does not answer.
   */
  follow(head: Head): Promise<Sighting>;
};

export type MonitorOptions = {
  /** Verifier keys of the log. */
  logKeys: readonly string[];
  /** The last good head; null where there is none. */
  last: Head | null;
  /** Whether to read at first all entries there are, and not only those added to the last good head. */
  full: boolean;
  /** How long after it found a file wrong it looks again before it says so: a transfer may have been cut. */
  retryMs: number;
  /** Told each new entry, before the head is known to be over it; from the last good head on once more when a look fails. */
  onEntry?(entry: Uint8Array, index: number): void;
};

const MAX_DETAIL = 500;

type Growth = { path: readonly Uint8Array[] | null; trouble: string | null };

/** Begins where an earlier one ended, or with all of the log. @throws InputError for a key that is none. */
export function createMonitor(
  log: RemoteLog,
  { logKeys, last, full, retryMs, onEntry = () => {} }: MonitorOptions,
): Monitor {
  const verifiers = logKeys.map(parseVerifierKey);
  const keys = { logKeys, timeKeys: [] };
  let before = last;
  /** The edge of the last good head; null before it has been read. */
  let edge = full || last === null ? new EdgeTree() : null;
  /** Leaves of the largest head that the log itself served: from there it may not go back. */
  let served = last?.size ?? 0;

  /** `least`: a smaller head than the last, and not below this, need only be one that the last began with. */
  async function judge(head: Head, least: number): Promise<Sighting> {
    const isBehind = before !== null && head.size < before.size && head.size >= least;
    const [earlier, later] = isBehind ? [head, before as Head] : [before ?? head, head];
    const growth = await growthBetween(log, { earlier, later });
    const pair = { earlier, later, path: growth.path };
    const found = compareHeads(pair);
    if (found.finding === "equivocation" || found.finding === "inconsistent" || found.finding === "rollback") {
      return { type: "fault", ...found, evidence: makeEvidence(pair, keys) };
    }
    const isRead = isBehind || found.finding === "unproven";
    const trouble = growth.trouble ?? (isRead ? null : await readFiles(head));
    if (trouble !== null) {
      const unserved = trouble.replaceAll(/[^ -~]/g, "?").slice(0, MAX_DETAIL);
      const sentence = `The log does not serve what it signed: ${trouble}`;
      return { type: "fault", finding: "unserved", sentence, evidence: makeEvidence({ ...pair, unserved }, keys) };
    }
    if (found.finding === "unproven") return { type: "fault", ...found, evidence: makeEvidence(pair, keys) };
    if (isBehind) return { type: "good", head, added: 0 };
    const added = head.size - (before?.size ?? 0);
    before = head;
    return { type: "good", head, added };
  }

  /** Reads and checks what is new, or at an unchanged size the edge. @returns what is wrong with it, null when nothing is. */
  async function readFiles(head: Head): Promise<string | null> {
    const tree = edge;
    edge = null;
    try {
      return await troubleOf(async () => {
        const grown = tree ?? (await readEdge(log, before as Head));
        if (grown.size < head.size) await readOn(log, { tree: grown, head, onEntry });
        else await checkEdge(log, grown);
        grown.forget();
        edge = grown;
      });
    } finally {
      // Whatever was being read at first is read anew, be it wrong or not answered.
      if (edge === null && (full || before === null)) edge = new EdgeTree();
    }
  }

  async function judgeTwice(head: Head, least: number): Promise<Sighting> {
    const first = await judge(head, least);
    if (first.type === "good" || !(first.finding === "unserved" || first.finding === "unproven")) return first;
    await sleep(retryMs);
    return await judge(head, least);
  }

  return {
    async look() {
      const head = openHead(await log.checkpoint(), verifiers);
      const seen = await judgeTwice(head, served);
      if (seen.type === "good") served = Math.max(served, head.size);
      return seen;
    },
    follow: (head) => judgeTwice(head, 0),
  };
}

/** How the log grew from the smaller of two heads to the larger, as its tiles have it. */
async function growthBetween(log: RemoteLog, { earlier, later }: { earlier: Head; later: Head }): Promise<Growth> {
  if (earlier.size === later.size) return { path: null, trouble: null };
  const [small, large] = earlier.size < later.size ? [earlier, later] : [later, earlier];
  if (small.size === 0) return { path: null, trouble: null };
  let path: readonly Uint8Array[] | null = null;
  const read = async () => {
    path = await readOver(readGrowth({ first: small.size, second: large.size }), log.tiles);
  };
  if (large === later) {
    const trouble = await troubleOf(read);
    return { path, trouble };
  }
  // A log that has shrunk need not have the tiles of its larger self, and is at fault with them or without.
  await read().catch(() => {});
  return { path, trouble: null };
}

/** The edge of a head from its partial tiles. @throws InputError when they do not make its root. */
async function readEdge(log: RemoteLog, { size, root }: Head): Promise<EdgeTree> {
  const tree = EdgeTree.from(size, await log.tiles(edgeTiles(size)));
  if (!equalBytes(tree.root(), root)) {
    throw new InputError(`The tiles at the edge of ${size} leaves do not make the root that was signed.`);
  }
  return tree;
}

/** Checks the files at the edge of a log that has not grown: partial tiles and the last entries. @throws InputError naming what is wrong. */
async function checkEdge(log: RemoteLog, tree: EdgeTree): Promise<void> {
  const hashTiles = edgeTiles(tree.size);
  const bundles = [...entryTiles(tree.size, tree.size)];
  const bytes = await log.tiles([...hashTiles, ...bundles]);
  for (const [i, tile] of hashTiles.entries()) checkHashTile(tree, { tile, bytes: bytes[i] as Uint8Array });
  for (const [i, tile] of bundles.entries()) {
    const entries = entriesOf(tile, bytes[hashTiles.length + i] as Uint8Array);
    const wrong = entries.findIndex(
      (entry, at) => !equalBytes(leafHash(entry), tree.node(0, tile.index * TILE_WIDTH + at) ?? new Uint8Array()),
    );
    if (wrong >= 0) {
      throw new InputError(`Entry ${tile.index * TILE_WIDTH + wrong} is not the one that was signed.`);
    }
  }
}

/** What is wrong with the files that are read, null when nothing is. A log that does not answer is no fault of its files. */
async function troubleOf(read: () => Promise<void>): Promise<string | null> {
  try {
    await read();
    return null;
  } catch (error) {
    if (error instanceof InputError || error instanceof MissingFile) return error.message;
    throw error;
  }
}

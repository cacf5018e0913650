/**
 * Seals what a data directory's store holds, as a process of its own that storage may fail under: `node <this> DATA
 * HASHES UP-TO`, where HASHES is a file with the hashes of the chain's blocks. Like a chain's loop it tries again after a
 * failure and ends at what cannot be. It says on stdout, a line each, what it signs, what it shows as the log's head, and
 * how its tries end; then it ends as if killed.
 */
import { readFileSync, writeSync } from "node:fs";
import { openStore } from "../../server/store/database.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { openSealing } from "./storage-seal.ts";

const TRIES = 3;

async function main([data, file, upTo]: readonly string[]): Promise<number> {
  const say = (...words: (string | number)[]) => writeSync(1, `${words.join(" ")}\n`);
  const hashes = JSON.parse(readFileSync(file as string, "utf8")) as Hex[];
  const rootOf = ({ root }: { root: Uint8Array }) => Buffer.from(root).toString("hex");
  const { ledger, seal } = openSealing(openStore(data as string), {
    hashes,
    onSign: (checkpoint) => say("signed", checkpoint.size, rootOf(checkpoint)),
  });
  ledger.subscribe(() => {
    const head = ledger.head();
    if (head !== null) say("shown", head.size, rootOf(head));
  });
  say("begins");
  for (let i = 0; i < TRIES; i++) {
    try {
      await seal(Number(upTo));
      say("sealed");
      return 0;
    } catch (error) {
      say(error instanceof InvariantError ? "impossible" : "failed", (error as Error).message);
      if (error instanceof InvariantError) return 1;
    }
  }
  return 0;
}

void main(process.argv.slice(2)).then((code) => process.exit(code));

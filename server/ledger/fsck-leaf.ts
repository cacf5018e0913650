/**
 * One leaf as it is on disk, against itself: its bytes, its stored hash and its body each say what the leaf is, and where
 * one of the three is damaged the other two tell which.
 */
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Assessment, Epoch } from "../../src/core/assessment.ts";
import { InputError } from "../../src/core/errors.ts";
import { type Json, parseCanonical } from "../../src/core/proof/canonical.ts";
import { encodeLeaf, type VerdictBody } from "../../src/core/proof/leaf.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import {
  assessmentEntry,
  checkLeafRow,
  correctionEntry,
  deploymentEntry,
  type Entry,
  epochEntry,
  factEntry,
  type LeafRow,
  leafRowOf,
  rulebookEntry,
  verdictEntry,
} from "./entry.ts";

/** A leaf that was looked at: what is wrong with it, and the hash it should have by most of what there is. */
export type LeafFinding = { problem: string | null; hash: Uint8Array };

const COLUMNS = {
  hash: "hash",
  kind: "kind",
  refId: "id",
  chain: "chain",
  blockNumber: "block number",
  blockHash: "block hash",
  subject: "subject",
  ruleId: "rule",
  outcome: "outcome",
  assurance: "assurance",
} as const satisfies Partial<Record<keyof LeafRow, string>>;

/** Looks at a leaf. Never throws for what is in it. */
export function inspectLeaf(row: LeafRow): LeafFinding {
  const entry = entryOf(row);
  const ofBytes = leafHash(row.data);
  const hashes = {
    bytes: bytesToHex(ofBytes),
    hash: row.hash,
    body: entry === null ? null : bytesToHex(leafHash(encodeLeaf(entry.leaf))),
  };
  const agreed = Object.values(hashes).find((one, i, all) => one !== null && all.indexOf(one) !== i) ?? null;
  const hash = agreed === null ? ofBytes : new Uint8Array(Buffer.from(agreed, "hex"));
  const wrong = Object.entries(hashes).filter(([, value]) => value !== agreed);
  if (agreed === null) {
    return { problem: `Leaf ${row.index} is damaged: its bytes, its hash and its body contradict each other.`, hash };
  }
  const [damaged] = wrong[0] ?? [];
  if (damaged !== undefined) {
    const others = Object.keys(hashes).filter((name) => name !== damaged);
    return {
      problem: `Leaf ${row.index} has a damaged ${NOUNS[damaged]}: it contradicts its ${others.join(" and ")}.`,
      hash,
    };
  }
  return { problem: wrongColumn(row, entry as Entry), hash };
}

const NOUNS: Readonly<Record<string, string>> = { bytes: "row of bytes", hash: "hash", body: "body" };

function wrongColumn(row: LeafRow, entry: Entry): string | null {
  const expected = leafRowOf(entry, row.index);
  for (const [column, noun] of Object.entries(COLUMNS) as [keyof typeof COLUMNS, string][]) {
    if (row[column] === expected[column]) continue;
    return `Leaf ${row.index} has the ${noun} ${show(row[column])} beside its body, which says ${show(expected[column])}.`;
  }
  try {
    // What the server signs by has the last word.
    checkLeafRow(row);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a leaf's body says it records; null when it says nothing that can be recorded. */
function entryOf({ kind, body: text, blockNumber, blockHash, chain }: LeafRow): Entry | null {
  try {
    const body = parseCanonical(utf8ToBytes(text));
    if (kind === "assessment") return assessmentEntry(body as Assessment);
    if (kind === "verdict") return verdictEntry(body as VerdictBody);
    if (kind === "epoch") return epochEntry(body as Epoch);
    if (kind === "rulebook") return rulebookEntry(body);
    if (kind === "deployment") return deploymentEntry(body);
    if (kind === "fact") return factEntry((body as { commitment: string }).commitment);
    if (kind === "correction") return correctionEntry(placeOf(body), body);
    throw new InputError(`${kind} is not a kind of leaf at ${chain} ${blockNumber} ${blockHash}.`);
  } catch {
    return null;
  }
}

function placeOf(body: Json): Parameters<typeof correctionEntry>[0] {
  const { chain, blockNumber, blockHash } = body as Parameters<typeof correctionEntry>[0];
  return { chain, blockNumber, blockHash };
}

function show(value: string | number | Buffer | null): string {
  return value === null ? "nothing" : String(value).slice(0, 120);
}

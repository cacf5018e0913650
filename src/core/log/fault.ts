/**
 * What two signed heads of one log say about it, and the evidence when they cannot both be true: a file that a stranger
 * checks with the log's key alone.
 */
import * as z from "zod";
import { InputError } from "../errors.ts";
import { equalBytes, fromHex, toHex } from "../proof/bytes.ts";
import { canonicalBytes, parseCanonical } from "../proof/canonical.ts";
import { rootsOfGrowth } from "../proof/merkle.ts";
import { parseNote, parseVerifierKey } from "../proof/note.ts";
import { readShape } from "../proof/shapes.ts";
import { cosignedAt, parseCosignerKey } from "./cosignature.ts";
import { type Head, openHead } from "./head.ts";

const FAULT_VERSION = "plumbline-log-fault/1";
const MAX_HASHES = 64;

/**
 * Two roots of one size; a larger tree that does not begin with the smaller; a head smaller than one seen before; growth
 * that the log did not show; files that are not those its head was signed over. The first two no log can explain.
 */
export type Fault = "equivocation" | "inconsistent" | "rollback" | "unproven" | "unserved";

/** Two heads in the order they were seen. `path` leads from the smaller to the larger, as `growthFrom` has it; null where there was none. */
export type HeadPair = { earlier: Head; later: Head; path: readonly Uint8Array[] | null };

/** Heads with what of the log's files was missing or wrong; the two are one where no other had been seen. */
export type HeadReport = HeadPair & { unserved?: string };

/** What following from one head to the next came to. */
export type Comparison =
  | { finding: "same" }
  | { finding: "grown"; by: number }
  | { finding: Exclude<Fault, "unserved">; sentence: string };

/** Keys under which notes are read, as text: those of the log, and those with which the log itself signs the time, if it does. */
export type FaultKeys = { logKeys: readonly string[]; timeKeys: readonly string[] };

/** What a file of evidence comes to. */
export type Judgement = {
  /** `proven`: by the log's own signatures. `reported`: the heads are the log's, the rest is the reporter's word. */
  status: "proven" | "reported" | "refuted";
  finding: Fault | null;
  sentence: string;
  /** The keys it rests on: it is evidence against whoever holds them. */
  keys: readonly string[];
};

const shape = z.strictObject({
  version: z.literal(FAULT_VERSION),
  finding: z.enum(["equivocation", "inconsistent", "rollback", "unproven", "unserved"]),
  earlier: z.string(),
  later: z.string(),
  path: z
    .array(z.string().regex(/^0x[0-9a-f]{64}$/))
    .max(MAX_HASHES)
    .nullable(),
  detail: z
    .string()
    .regex(/^[ -~]{1,500}$/)
    .nullable(),
  logKeys: z.array(z.string()).min(1).max(16),
  timeKeys: z.array(z.string()).max(16),
});

/**
 * Compares two heads of a log. From the empty tree a log may grow to anything, and nothing has to be shown.
 * @throws InputError when they are of different logs.
 */
export function compareHeads({ earlier, later, path }: HeadPair): Comparison {
  if (earlier.origin !== later.origin) {
    throw new InputError(`Heads of two logs, ${earlier.origin} and ${later.origin}, cannot be compared.`);
  }
  if (earlier.size === later.size) {
    if (equalBytes(earlier.root, later.root)) return { finding: "same" };
    return { finding: "equivocation", sentence: `Two roots of ${earlier.size} leaves have been signed.` };
  }
  const [small, large] = earlier.size < later.size ? [earlier, later] : [later, earlier];
  const roots = path === null ? null : rootsOfGrowth({ first: small.size, second: large.size, path });
  const isShown = small.size === 0 || (roots !== null && equalBytes(roots.second, large.root));
  if (isShown && small.size > 0 && !equalBytes(roots?.first as Uint8Array, small.root)) {
    const sentence = `The tree of ${large.size} leaves does not begin with the ${small.size} leaves signed before.`;
    return { finding: "inconsistent", sentence };
  }
  if (small === later) {
    const sentence = `A head of ${small.size} leaves was given after one of ${large.size}.`;
    return { finding: "rollback", sentence };
  }
  if (isShown) return { finding: "grown", by: large.size - small.size };
  const sentence = `Nothing shows that the ${large.size} leaves begin with the ${small.size} signed before.`;
  return { finding: "unproven", sentence };
}

/**
 * The file of evidence that two heads make, canonical JSON.
 * @throws InputError when they are no fault, or a key is malformed.
 */
export function makeEvidence(pair: HeadReport, { logKeys, timeKeys }: FaultKeys): Uint8Array {
  const finding = pair.unserved === undefined ? compareHeads(pair).finding : "unserved";
  if (finding === "same" || finding === "grown") throw new InputError(`Heads that are ${finding} are no fault.`);
  const bytes = canonicalBytes({
    version: FAULT_VERSION,
    finding,
    earlier: pair.earlier.note,
    later: pair.later.note,
    path: finding === "equivocation" ? null : (pair.path?.map(toHex) ?? null),
    detail: pair.unserved ?? null,
    logKeys,
    timeKeys,
  });
  const { status, sentence } = verifyEvidence(bytes);
  if (status === "refuted") throw new InputError(sentence);
  return bytes;
}

/** Reads a file of evidence and checks nothing but its form. @throws InputError when it is none. */
export function parseEvidence(bytes: Uint8Array): z.infer<typeof shape> {
  return readShape(shape, parseCanonical(bytes), "Evidence");
}

/**
 * Judges a file of evidence on its own.
 * @param trusted keys that are known to be the log's. Without them the file's own are used, and whether those are the
 * log's is left to the reader.
 */
export function verifyEvidence(bytes: Uint8Array, trusted: FaultKeys | null = null): Judgement {
  try {
    return judge(bytes, trusted);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { status: "refuted", finding: null, sentence: error.message, keys: [] };
  }
}

function judge(bytes: Uint8Array, trusted: FaultKeys | null): Judgement {
  const file = parseEvidence(bytes);
  const keys = trusted ?? file;
  const logKeys = keys.logKeys.map(parseVerifierKey);
  const earlier = openHead(file.earlier, logKeys);
  const later = openHead(file.later, logKeys);
  const path = file.path === null ? null : file.path.map(fromHex);
  const comparison = compareHeads({ earlier, later, path });
  if ((file.finding === "unserved") !== (file.detail !== null)) {
    throw new InputError("Evidence has a detail where files were not served, and only there.");
  }
  if (file.finding === "unserved" && ["same", "grown", "unproven"].includes(comparison.finding)) {
    const sentence = `The log did not serve what it signed: ${file.detail} That is the reporter's word.`;
    return { status: "reported", finding: file.finding, sentence, keys: keys.logKeys };
  }
  if (comparison.finding !== file.finding || (file.finding === "equivocation" && path !== null)) {
    throw new InputError(`The evidence claims ${file.finding}; its heads are ${comparison.finding}.`);
  }
  const { sentence } = comparison as { sentence: string };
  const { finding } = file;
  const judged = { finding, keys: keys.logKeys };
  if (finding === "equivocation" || finding === "inconsistent") return { status: "proven", sentence, ...judged };
  const timeKey =
    finding === "rollback" ? keys.timeKeys.find((key) => isSignedLater({ earlier, later }, key)) : undefined;
  if (timeKey !== undefined) {
    const told = `${sentence} By the log's own signatures it was signed later.`;
    return { status: "proven", finding, sentence: told, keys: [...keys.logKeys, timeKey] };
  }
  const word = finding === "rollback" ? "That it came later" : "That the log showed no more";
  return { status: "reported", sentence: `${sentence} ${word} is the reporter's word.`, ...judged };
}

/** Whether the log signed the time of both heads with this key, and that of the later one is the later. */
function isSignedLater({ earlier, later }: { earlier: Head; later: Head }, timeKey: string): boolean {
  const key = parseCosignerKey(timeKey);
  if (key.name !== later.origin) return false;
  const [before, after] = [cosignedAt(parseNote(earlier.note), key), cosignedAt(parseNote(later.note), key)];
  return before !== null && after !== null && after > before;
}

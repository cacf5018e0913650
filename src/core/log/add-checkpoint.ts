/**
 * The request by which a log asks a witness to cosign its new head, and what the witness answers.
 * @see https://c2sp.org/tlog-witness
 */
import { InputError } from "../errors.ts";
import { equalBytes, toBase64 } from "../proof/bytes.ts";
import { verifyConsistency } from "../proof/merkle.ts";
import { parseCheckpoint, parseNote } from "../proof/note.ts";
import type { Verifier } from "../proof/note-key.ts";
import { cosignedAt } from "./cosignature.ts";
import { addSignatures, type Head, openHead } from "./head.ts";
import { parseHash } from "./tlog-proof.ts";

const MAX_HASHES = 63;
/** As many as a note can have; each may be a signature to check. */
const MAX_LINES = 64;
const SIZE_TYPE = "text/x.tlog.size";
const TEXT_TYPE = "text/plain; charset=utf-8";

/** A request: the size the witness knows, the proof from there, and the new checkpoint as it is served. */
export type AddCheckpoint = { oldSize: number; proof: readonly Uint8Array[]; note: string };

/** What a witness knows: the keys of the logs it watches, and the last head of each that it cosigned. */
export type WitnessState = {
  keysOf(origin: string): readonly Verifier[];
  lastOf(origin: string): Pick<Head, "size" | "root"> | null;
};

/**
 * An HTTP answer that is not a cosignature. `signed` is the head that the log did sign and that was refused all the same:
 * together with the last one it may be evidence against the log.
 */
export type Refusal = { status: 400 | 403 | 404 | 409 | 422; contentType: string; body: string; signed: Head | null };

/** The body of a request. @throws InputError for what cannot be one. */
export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  const text = [`old ${oldSize}`, ...proof.map(toBase64), "", note].join("\n");
  parseAddCheckpoint(text);
  return text;
}

/** Reads the body of a request and checks nothing but its form. @throws InputError when it is none. */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const end = text.indexOf("\n\n");
  if (end < 0) throw new InputError("A request has an empty line before its checkpoint; there is none.");
  const [first, ...hashes] = text.slice(0, end).split("\n");
  const oldSize = parseSize(/^old (.*)$/.exec(first ?? "")?.[1]);
  if (oldSize === null) throw new InputError("A request begins with the size the witness knows, like: old 42.");
  if (hashes.length > MAX_HASHES)
    throw new InputError(`A proof has at most ${MAX_HASHES} hashes, not ${hashes.length}.`);
  const note = text.slice(end + 2);
  parseCheckpoint(parseNote(note).text);
  return { oldSize, proof: hashes.map(parseHash), note };
}

/**
 * What a witness answers: the head it may cosign, or why not. Before it answers with its signature it must have kept that
 * head as its last in one step with a check that the last was still the one this was decided by: two requests at once
 * could otherwise roll it back.
 */
export function answerAddCheckpoint(body: string, { keysOf, lastOf }: WitnessState): { head: Head } | Refusal {
  let request: AddCheckpoint;
  let origin: string;
  try {
    request = parseAddCheckpoint(body);
    origin = parseCheckpoint(parseNote(request.note).text).origin;
  } catch (error) {
    return refusal(400, `Malformed: ${(error as Error).message}`);
  }
  const keys = keysOf(origin);
  if (keys.length === 0) return refusal(404, `The log ${origin} is not watched here.`);
  let head: Head;
  try {
    head = openHead(request.note, keys);
  } catch (error) {
    return refusal(403, (error as Error).message);
  }
  const { oldSize, proof } = request;
  if (oldSize > head.size) return refusal(400, `The old size ${oldSize} is above the new one, ${head.size}.`);
  const last = lastOf(origin);
  const isForked = last !== null && last.size === head.size && !equalBytes(last.root, head.root);
  if (oldSize !== (last?.size ?? 0) || isForked) {
    return { status: 409, contentType: SIZE_TYPE, body: `${last?.size ?? 0}\n`, signed: head };
  }
  // From the empty tree there is nothing to prove, and the specification wants no proof then.
  const grown =
    last === null || last.size === 0
      ? proof.length === 0
      : verifyConsistency({ first: last.size, second: head.size, firstRoot: last.root, secondRoot: head.root, proof });
  if (grown) return { head };
  return { ...refusal(422, `The proof does not lead from size ${oldSize} to size ${head.size}.`), signed: head };
}

/**
 * The checkpoint with the cosignatures below it that a witness answered with. Lines of witnesses that are not known, and
 * lines that do not hold, are left out.
 * @throws InputError when the answer is not made of signature lines.
 */
export function acceptCosignatures(
  note: string,
  { body, cosigners }: { body: string; cosigners: readonly Verifier[] },
): string {
  if (!body.endsWith("\n")) throw new InputError("The answer of a witness ends in a newline.");
  const { text } = parseNote(note);
  const lines = body.slice(0, -1).split("\n");
  if (lines.length > MAX_LINES) {
    throw new InputError(`The answer of a witness has at most ${MAX_LINES} lines, not ${lines.length}.`);
  }
  const held = lines
    .map((line) => `${line}\n`)
    .filter((line) => {
      const alone = parseNote(`${text}\n${line}`);
      return cosigners.some((cosigner) => cosignedAt(alone, cosigner) !== null);
    });
  return addSignatures(note, held);
}

/** The size that a witness says it knows, from the body of an answer with status 409; null when it says none. */
export function parseConflict(body: string): number | null {
  return body.endsWith("\n") ? parseSize(body.slice(0, -1)) : null;
}

function refusal(status: Refusal["status"], sentence: string): Refusal {
  return { status, contentType: TEXT_TYPE, body: `${sentence}\n`, signed: null };
}

function parseSize(text: string | undefined): number | null {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return null;
  return Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

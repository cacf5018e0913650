/**
 * Contract code as a witness holds it. Contracts of one kind (the pools of a factory) have the same code but for a few
 * addresses compiled into it, so code of the same length as another is held as what differs; other code is packed. There
 * is one form for every set of codes, which whoever reads it makes again and compares.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { fromBase64, toBase64, toHex } from "./bytes.ts";
import { keccak256 } from "./chain/keccak.ts";
import { packBytes, unpackBytes } from "./packing.ts";

/** Bytes in base64 that stand at a place, a decimal string, where the other code has other bytes, each of them. */
export type Run = { at: string; bytes: string };

/** Code as far as it differs from another, which is held whole; runs in rising order, none next to another. */
export type CodeDifference = { like: Hex; runs: readonly Run[] };

/** Code by its keccak-256: packed and in base64, or what differs from another. */
export type Codes = Readonly<Record<Hex, string | CodeDifference>>;

/**
 * What is read of codes at most: contracts on the common chains have 24 KiB, on some others four times that, and a view
 * runs some twenty. Packed bytes can stand for many more, so that this bounds the time it takes to read them.
 */
export const CODE_LIMITS = { bytes: 131_072, allBytes: 1_048_576 } as const;

/**
 * The form of some codes. In rising order of hash, each is compared with the first of its length, and held as the
 * difference where that is shorter.
 */
export function packCodes(codes: ReadonlyMap<Hex, Uint8Array>): Codes {
  const packed: Record<Hex, string | CodeDifference> = {};
  const firsts = new Map<number, { hash: Hex; code: Uint8Array }>();
  for (const hash of [...codes.keys()].sort()) {
    const code = codes.get(hash) as Uint8Array;
    const first = firsts.get(code.length);
    if (first === undefined) firsts.set(code.length, { hash, code });
    const whole = toBase64(packBytes(code));
    packed[hash] = first === undefined ? whole : shorter(code, { whole, first });
  }
  return packed;
}

/** The codes of a form that has been checked. @throws InputError when one cannot be put together. */
export function unpackCodes(packed: Codes): ReadonlyMap<Hex, Uint8Array> {
  const codes = new Map<Hex, Uint8Array>();
  let bytes = 0;
  for (const [name, held] of Object.entries(packed)) {
    const hash = name as Hex;
    const code = typeof held === "string" ? wholeCode(held) : differing(hash, { held, packed });
    bytes += code.length;
    if (bytes > CODE_LIMITS.allBytes) throw new InputError(`Witness: codes: more than ${CODE_LIMITS.allBytes} bytes.`);
    codes.set(hash, code);
  }
  return codes;
}

/** Checks a form. @throws InputError when a code is not what its hash says, or is not held in the one form there is. */
export function checkCodes(packed: Codes): void {
  const codes = unpackCodes(packed);
  for (const [hash, code] of codes) {
    const is = toHex(keccak256(code));
    if (is !== hash) throw new InputError(`Witness: the code called ${hash} has the hash ${is}.`);
  }
  const again = packCodes(codes);
  for (const [hash, held] of Object.entries(packed)) {
    if (!isSame(held, again[hash as Hex]))
      throw new InputError(`Witness: the code ${hash} is not held in its one form.`);
  }
}

function shorter(
  code: Uint8Array,
  { whole, first }: { whole: string; first: { hash: Hex; code: Uint8Array } },
): string | CodeDifference {
  const difference = { like: first.hash, runs: runsOf(code, first.code) };
  return JSON.stringify(difference).length < JSON.stringify(whole).length ? difference : whole;
}

function runsOf(code: Uint8Array, first: Uint8Array): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < code.length; at++) {
    if (code[at] === first[at]) continue;
    const from = at;
    while (at < code.length && code[at] !== first[at]) at++;
    runs.push({ at: from.toString(), bytes: toBase64(code.subarray(from, at)) });
  }
  return runs;
}

function wholeCode(held: string): Uint8Array {
  return unpackBytes(fromBase64(held), CODE_LIMITS.bytes);
}

function differing(hash: Hex, { held, packed }: { held: CodeDifference; packed: Codes }): Uint8Array {
  const first = packed[held.like];
  if (typeof first !== "string") {
    throw new InputError(`Witness: the code ${hash} is said to be like ${held.like}, which is not there whole.`);
  }
  const code = wholeCode(first);
  for (const { at, bytes } of held.runs) {
    const [from, differs] = [Number(at), fromBase64(bytes)];
    if (from + differs.length > code.length) {
      throw new InputError(`Witness: the code ${hash} differs from ${held.like} at ${at}, beyond its end.`);
    }
    code.set(differs, from);
  }
  return code;
}

function isSame(a: string | CodeDifference, b: string | CodeDifference | undefined): boolean {
  if (typeof a === "string" || typeof b !== "object") return a === b;
  if (a.like !== b.like || a.runs.length !== b.runs.length) return false;
  return a.runs.every(({ at, bytes }, i) => at === b.runs[i]?.at && bytes === b.runs[i]?.bytes);
}

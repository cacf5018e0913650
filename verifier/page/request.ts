/**
 * What a person puts into the page, made into what the verifier takes. A block hash may be pasted alone: it is then
 * meant for the block the bundle is about, and the header it belongs to still has to be of that block.
 */
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { parseCosignerKey, quorumOf } from "../../src/core/log/cosignature.ts";
import { MAX_BYTES } from "../../src/core/proof/canonical.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import type { TrustedBlock, TrustedWitnesses } from "../../src/core/proof/verify.ts";

/** A block as a bundle names it. */
export type BlockName = { chain: string; number: string };

const HASH = /^0x[0-9a-fA-F]{64}$/;
const BLOCK = /^(eip155:[1-9]\d{0,14}):(0|[1-9]\d{0,19})=(0x[0-9a-fA-F]{64})$/;
const EXPECTED =
  "Expected 0x and 64 hexadecimal digits, or eip155:10:120000000=0x… with the chain and the block's number.";
const SHOWN_CHARACTERS = 40;

/**
 * The trusted blocks of the field for them: none when it is empty, which is `undefined`.
 * @param about the block the bundle is about; null when the bytes name none, and a hash alone then means nothing.
 * @throws InputError with a sentence for the person.
 */
export function readBlocks(text: string, about: BlockName | null): readonly TrustedBlock[] | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (HASH.test(trimmed)) return about === null ? undefined : [{ ...about, hash: trimmed.toLowerCase() as Hex }];
  const match = BLOCK.exec(trimmed);
  if (match === null) throw new InputError(`"${clip(trimmed)}" is not a block hash. ${EXPECTED}`);
  const [chain, number, hash] = match.slice(1) as [string, string, string];
  return [{ chain, number, hash: hash.toLowerCase() as Hex }];
}

/**
 * The keys of the field for them, which say themselves whose they are: logs' and, after them or among them, witnesses'. All
 * witnesses that are named must have cosigned.
 * @throws InputError with a sentence for the person.
 */
export function readKeys(text: string): { logKeys: readonly string[]; witnesses?: TrustedWitnesses } {
  const texts = text
    .trim()
    .split(/\s+/)
    .filter((key) => key !== "");
  const keys = texts.filter(isWitnessKey);
  const logKeys = texts.filter((key) => !keys.includes(key));
  for (const key of logKeys) parseVerifierKey(key);
  return keys.length === 0 ? { logKeys } : { logKeys, witnesses: quorumFor(keys) };
}

function isWitnessKey(text: string): boolean {
  try {
    parseCosignerKey(text);
    return true;
  } catch {
    return false;
  }
}

function quorumFor(keys: readonly string[]): TrustedWitnesses {
  quorumOf(keys, keys.length);
  return { keys, threshold: keys.length };
}

/** Refuses what is too long to be a bundle before it is read. @throws InputError with a sentence for the person. */
export function requireBundleSize(bytes: number): void {
  if (bytes === 0) throw new InputError("There is no bundle. Choose a file, drop one on the page, or paste its text.");
  if (bytes > MAX_BYTES) {
    throw new InputError(`This is ${sizeText(bytes)}; a bundle is never longer than ${sizeText(MAX_BYTES)}.`);
  }
}

/** A number of bytes for reading. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function clip(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

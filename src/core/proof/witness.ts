/**
 * A witness: what a stranger needs to run calls in one block again. The block's header, the accounts and slots the calls
 * read with the trie nodes that prove them (EIP-1186), and the code they run. It is the RFC 8785 form of a `Witness`.
 *
 * A trie's nodes are found by their hashes, from the header's state root down, so no proof has to be listed: a node that
 * several proofs share is there once, and what a proof consists of is nobody's claim. Code and nodes are nine tenths of a
 * witness, and in base64, which takes a third less than hex.
 * @see https://eips.ethereum.org/EIPS/eip-1186
 */
import * as z from "zod";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import { CODE_LIMITS, type Codes, checkCodes } from "./codes.ts";

export const WITNESS_VERSION = "plumbline-witness/2";

/** An account that is not in the state: both hashes are those of nothing. */
export const EMPTY_CODE: Hex = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
export const EMPTY_TRIE: Hex = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** Key and value are 32 bytes each; a slot that was never written has the value zero. */
export type WitnessSlot = { key: Hex; value: Hex };

/** An account, and those of its slots that were read. */
export type WitnessAccount = {
  address: Hex;
  /** Decimal strings. */
  nonce: string;
  balance: string;
  storageHash: Hex;
  codeHash: Hex;
  slots: readonly WitnessSlot[];
};

/** What proves the state that calls were made over: a header, and the nodes and code below its state root. */
export type Witness = {
  version: typeof WITNESS_VERSION;
  /** RLP of the block's header. */
  header: Hex;
  /** In rising order of address, and their slots of key. */
  accounts: readonly WitnessAccount[];
  codes: Codes;
  /** RLP of trie nodes, base64, in rising order of that text. */
  nodes: readonly string[];
};

/**
 * What is read of a witness at most. A view call of a derivatives protocol reads some twenty accounts and a hundred
 * slots.
 */
export const WITNESS_LIMITS = {
  headerBytes: 16_384,
  accounts: 512,
  slots: 8_192,
  codes: 128,
  nodes: 65_536,
  /** A branch of sixteen hashes is 532 bytes, and a state trie has no larger node. */
  nodeBytes: 1_024,
} as const;

const matching = (pattern: RegExp, expected: string) =>
  z.string().regex(pattern, `expected ${expected}`) as unknown as z.ZodType<Hex>;

const header = z
  .string()
  .max(2 + 2 * WITNESS_LIMITS.headerBytes, `expected hex of ${WITNESS_LIMITS.headerBytes} bytes at most`)
  .regex(/^0x(?:[0-9a-f]{2})+$/, "expected lower-case hex of something") as unknown as z.ZodType<Hex>;

const base64 = (bytes: number) =>
  z
    .string()
    .min(1, "expected base64 of something")
    .max(4 * Math.ceil(bytes / 3), `expected base64 of ${bytes} bytes at most`);

const word = matching(/^0x[0-9a-f]{64}$/, "0x and 64 lower-case hex digits");
const address = matching(/^0x[0-9a-f]{40}$/, "0x and 40 lower-case hex digits");
const natural = z.string().regex(/^(0|[1-9]\d{0,77})$/, "expected a decimal string");

const account = z.strictObject({
  address,
  nonce: natural,
  balance: natural,
  storageHash: word,
  codeHash: word,
  slots: z.array(z.strictObject({ key: word, value: word })).max(WITNESS_LIMITS.slots),
});

/** Bytes that have nothing in common are a hundred and twenty-eighth longer when packed. */
const PACKED_BYTES = CODE_LIMITS.bytes + CODE_LIMITS.bytes / 128;
const place = z.string().regex(/^(0|[1-9]\d{0,5})$/, "expected a place in code, a decimal string");
const run = z.strictObject({ at: place, bytes: base64(CODE_LIMITS.bytes) });
const difference = z.strictObject({ like: word, runs: z.array(run).min(1).max(CODE_LIMITS.bytes) });

/** The form of a witness; `readWitness` checks its orders and hashes too. */
export const witnessShape = z.strictObject({
  version: z.literal(WITNESS_VERSION),
  header,
  accounts: z.array(account).min(1).max(WITNESS_LIMITS.accounts),
  codes: z.record(z.string(), z.union([base64(PACKED_BYTES), difference])),
  nodes: z.array(base64(WITNESS_LIMITS.nodeBytes)).max(WITNESS_LIMITS.nodes),
});

/**
 * The witness a JSON value is: no unknown part, every order and every hash as it must be. Nothing is proven by that.
 * @throws InputError naming what is malformed.
 */
export function readWitness(value: Json): Witness {
  const parsed = witnessShape.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError(`Witness: ${issue?.path.join(".") || "top level"}: ${issue?.message ?? "malformed"}.`);
  }
  const witness = parsed.data;
  requireRising(
    witness.accounts.map((a) => a.address),
    "accounts",
  );
  for (const { address: of, slots } of witness.accounts) {
    requireRising(
      slots.map((s) => s.key),
      `slots of ${of}`,
    );
  }
  if (witness.accounts.reduce((sum, { slots }) => sum + slots.length, 0) > WITNESS_LIMITS.slots) {
    throw new InputError(`Witness: slots: more than ${WITNESS_LIMITS.slots} in all.`);
  }
  requireRising(witness.nodes, "nodes");
  if (Object.keys(witness.codes).length > WITNESS_LIMITS.codes) {
    throw new InputError(`Witness: codes: more than ${WITNESS_LIMITS.codes}.`);
  }
  checkCodes(witness.codes);
  return witness;
}

/** Reads the bytes of a witness. @throws InputError as `readWitness`, and for bytes that are not the RFC 8785 form. */
export function parseWitness(bytes: Uint8Array): Witness {
  return readWitness(parseCanonical(bytes));
}

/** The bytes of a witness. @throws InputError when it is malformed. */
export function witnessBytes(witness: Witness): Uint8Array {
  return canonicalBytes(readWitness(witness));
}

function requireRising(keys: readonly string[], what: string): void {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) >= (keys[i] as string)) {
      throw new InputError(`Witness: ${what}: ${keys[i]} is there twice or out of order.`);
    }
  }
}

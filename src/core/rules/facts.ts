/**
 * Facts about accounts, protocols and chains that no chain tells: client or entity class, jurisdiction. They come in one file that its issuer signed,
 * are applied by `judge` and never reach the indexer.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, hexToBytes } from "@noble/curves/utils.js";
import * as z from "zod";
import { InputError } from "../errors.ts";
import { canonicalBytes, canonicalText, type Json } from "../proof/canonical.ts";
import { inForce, isDay, overlap } from "./day.ts";

export const FACTS_VERSION = "plumbline-facts/1";

/** An address, a CAIP-10 account, a protocol of a chain, or a CAIP-2 chain. */
const SUBJECT = /^((eip155:[1-9]\d{0,14}:)?0x[0-9a-fA-F]{40}|eip155:[1-9]\d{0,14}(\/[a-z][a-z0-9-]*)?)$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const day = z.string().refine(isDay, "expected a day like 2026-04-01");

const factShape = z.strictObject({
  subject: z
    .string()
    .regex(
      SUBJECT,
      "expected a CAIP-10 account like eip155:901:0x…, an address like 0x…, a protocol like eip155:901/perp-v2 or a chain like eip155:901",
    ),
  predicate: z.string().regex(/^[a-z][A-Za-z]*$/, "expected a name like clientClass, entityClass or jurisdiction"),
  object: z.string().min(1, "expected a value like retail or EU"),
  validFrom: day.nullable(),
  validTo: day.nullable(),
  evidenceHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in lower-case hex")
    .optional(),
});

const unsignedShape = z.strictObject({
  version: z.literal(FACTS_VERSION),
  issuer: z.string().min(1, "expected the issuer's name"),
  issuedAt: z.string().regex(TIME, "expected a UTC time like 2026-03-31T12:00:00Z"),
  facts: z.array(factShape),
});

const signedShape = unsignedShape.extend({
  signature: z.string().regex(/^[0-9a-f]{128}$/, "expected an Ed25519 signature of 128 lower-case hex digits"),
});

/**
 * One fact. `subject` is a CAIP-10 account, an address, which means it on every chain, a protocol id or a chain. `validFrom` and `validTo` are
 * days, both included; `null` is without end. `evidenceHash` is the SHA-256 of what the issuer relied on.
 */
export type Fact = z.infer<typeof factShape>;

/** A facts file before it is signed. */
export type UnsignedFacts = z.infer<typeof unsignedShape>;

/** A facts file whose signature has been checked, with its rows by subject. */
export type Facts = UnsignedFacts & {
  signature: string;
  /** The key it was checked with, lower-case hex. */
  key: string;
  bySubject: ReadonlyMap<string, readonly Fact[]>;
};

/** The Ed25519 public key (64 hex digits) of a secret key (64 hex digits). @throws InputError when it is none. */
export function factsKeyOf(secretKey: string): string {
  return bytesToHex(ed25519.getPublicKey(keyBytes(secretKey, "secret")));
}

/**
 * Signs a facts file.
 * @param secretKey 32 bytes as 64 hex digits.
 * @returns the text of the signed file: RFC 8785, the signature made over the same form of everything but `signature`.
 * @throws InputError when the facts or the key are not well formed.
 */
export function signFacts(facts: UnsignedFacts, secretKey: string): string {
  const checked = parseShape(unsignedShape, facts);
  checkRows(checked.facts);
  const signature = bytesToHex(ed25519.sign(signedBytes(checked), keyBytes(secretKey, "secret")));
  return canonicalText({ ...checked, signature } as Json);
}

/**
 * Reads a signed facts file.
 * @param key the issuer's Ed25519 public key, 64 hex digits.
 * @throws InputError naming the row and what was expected: malformed, contradictory, or not signed by `key`.
 */
export function parseFacts(text: string, key: string): Facts {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError("The facts file is not JSON.");
  }
  const { signature, ...unsigned } = parseShape(signedShape, json);
  const publicKey = keyBytes(key, "public");
  if (!isSignedBy(unsigned, signature, publicKey)) {
    throw new InputError(`The facts file of ${unsigned.issuer} is not signed by the key ${bytesToHex(publicKey)}.`);
  }
  checkRows(unsigned.facts);
  return { ...unsigned, signature, key: bytesToHex(publicKey), bySubject: groupBySubject(unsigned.facts) };
}

/**
 * What is known about a subject on a day.
 * @param subject CAIP-10 account or plain address, protocol id or CAIP-2 chain.
 * @param day like `2026-04-01`, the UTC day of the block.
 * @returns predicate → object; a predicate nobody has stated is absent.
 */
export function factsAbout(facts: Facts, subject: string, day: string): ReadonlyMap<string, string> {
  const account = subject.toLowerCase();
  const address = addressPart(account);
  const rows = [...(facts.bySubject.get(address) ?? [])];
  if (account !== address) rows.push(...(facts.bySubject.get(account) ?? []));
  const about = new Map<string, string>();
  for (const fact of rows) {
    if (inForce({ from: fact.validFrom, to: fact.validTo }, day)) about.set(fact.predicate, fact.object);
  }
  return about;
}

function parseShape<T>(shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const where = path[0] === "facts" && path.length > 1 ? `row ${Number(path[1]) + 1}` : "the file";
  const field = path[0] === "facts" ? path.slice(2).join(".") : path.join(".");
  throw new InputError(`Facts: ${where}${field === "" ? "" : `, ${field}`}: ${issue?.message ?? "malformed"}.`);
}

function keyBytes(key: string, kind: "public" | "secret"): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(key)) {
    const shown = kind === "public" ? `"${key}"` : "The secret key given";
    throw new InputError(`${shown} is not an Ed25519 ${kind} key of 64 hex digits.`);
  }
  return hexToBytes(key.toLowerCase());
}

function signedBytes(unsigned: UnsignedFacts): Uint8Array {
  return canonicalBytes(unsigned as Json);
}

/** An invalid point or signature encoding makes the library throw; for us it is simply no signature of this key. */
function isSignedBy(unsigned: UnsignedFacts, signature: string, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(hexToBytes(signature), signedBytes(unsigned), publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** The address of an account; any other subject as it stands. */
function addressPart(subject: string): string {
  const at = subject.lastIndexOf(":0x");
  return at < 0 ? subject : subject.slice(at + 1);
}

function groupBySubject(facts: readonly Fact[]): Map<string, Fact[]> {
  const bySubject = new Map<string, Fact[]>();
  for (const fact of facts) {
    const subject = fact.subject.toLowerCase();
    const rows = bySubject.get(subject);
    if (rows === undefined) bySubject.set(subject, [fact]);
    else rows.push(fact);
  }
  return bySubject;
}

/**
 * A row must end after it begins. Two rows that could both answer for one account, predicate and day must agree, or the
 * verdict would depend on which is read last.
 */
function checkRows(facts: readonly Fact[]): void {
  const seen = new Map<string, { fact: Fact; row: number }[]>();
  facts.forEach((fact, i) => {
    if (fact.validFrom !== null && fact.validTo !== null && fact.validTo < fact.validFrom) {
      throw new InputError(
        `Facts: row ${i + 1}: validTo ${fact.validTo} is before validFrom ${fact.validFrom}; expected a later day.`,
      );
    }
    const subject = fact.subject.toLowerCase();
    const key = `${addressPart(subject)} ${fact.predicate}`;
    const others = seen.get(key) ?? [];
    for (const other of others) {
      const theirs = other.fact.subject.toLowerCase();
      const meet = subject === theirs || subject.startsWith("0x") || theirs.startsWith("0x");
      const validity = { from: fact.validFrom, to: fact.validTo };
      const together = overlap(validity, { from: other.fact.validFrom, to: other.fact.validTo });
      if (meet && together && other.fact.object !== fact.object) {
        throw new InputError(
          `Facts: row ${i + 1} says ${fact.predicate} of ${fact.subject} is "${fact.object}", row ${other.row} says "${other.fact.object}" for some of the same days; expected one value a day.`,
        );
      }
    }
    others.push({ fact, row: i + 1 });
    seen.set(key, others);
  });
}

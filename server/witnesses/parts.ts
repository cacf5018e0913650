/**
 * Evidence as it is stored: in parts, each under the hash of its content, deflated.
 *
 * A contract's code is a part of its own, and everything else one more. Code is most of a witness and the same in every one
 * of a protocol: 76 witnesses of the devnet's crash hold 7.7 MB of it, of which 0.3 MB differ. The rest of them, 4.8 MB,
 * deflates to 2.6 MB; a row for each trie node would take 3.0 MB with its hashes, because the upper nodes change with every
 * block.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import * as z from "zod";
import { InvariantError } from "../../src/core/errors.ts";
import { canonicalBytes, type Json, MAX_BYTES, parseCanonical } from "../../src/core/proof/canonical.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";

/** A part's deflated bytes, under the SHA-256 of what they are inflated, hex without `0x`. */
export type Part = { hash: string; bytes: Uint8Array };

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** `rest` is the evidence without its codes; `codes` names the part of each code by the code's key in the witness. */
const manifestShape = z.strictObject({ rest: digest, codes: z.record(z.string(), digest).nullable() });

/** How evidence is put together again. */
export type Manifest = z.infer<typeof manifestShape>;

type JsonObject = { readonly [key: string]: Json };

/** Takes evidence apart. */
export function splitEvidence(evidence: Json): { manifest: Manifest; parts: Part[] } {
  const witness = isObject(evidence) ? evidence.witness : undefined;
  const codes = isObject(witness) ? witness.codes : undefined;
  if (!isObject(evidence) || !isObject(witness) || !isObject(codes)) {
    const whole = partOf(evidence);
    return { manifest: { rest: whole.hash, codes: null }, parts: [whole] };
  }
  const rest = partOf({ ...evidence, witness: { ...witness, codes: {} } });
  const byKey = Object.entries(codes).map(([key, code]) => [key, partOf(code)] as const);
  return {
    manifest: { rest: rest.hash, codes: Object.fromEntries(byKey.map(([key, { hash }]) => [key, hash])) },
    parts: [rest, ...byKey.map(([, part]) => part)],
  };
}

/**
 * Puts evidence together again.
 * @param bytesOf the bytes stored under a hash, `null` where there are none.
 * @throws InvariantError when a part is missing, or its bytes are not those of its hash.
 */
export function joinEvidence(text: string, bytesOf: (hash: string) => Uint8Array | null): Json {
  const manifest = manifestShape.safeParse(JSON.parse(text));
  if (!manifest.success) throw new InvariantError("The manifest of evidence came back from disk malformed.");
  const read = (hash: string): Json => {
    const bytes = bytesOf(hash);
    if (bytes === null) throw new InvariantError(`Part ${hash} of evidence is missing.`);
    const content = inflated(bytes);
    if (content === null || sha256Hex(content) !== hash) {
      throw new InvariantError(`Part ${hash} of evidence came back from disk altered.`);
    }
    return parseCanonical(content);
  };
  const { rest, codes } = manifest.data;
  const evidence = read(rest);
  if (codes === null) return evidence;
  const { witness } = evidence as { witness: JsonObject };
  const whole = Object.fromEntries(Object.entries(codes).map(([key, hash]) => [key, read(hash)]));
  return { ...(evidence as JsonObject), witness: { ...witness, codes: whole } };
}

/** The parts a manifest names, each once. */
export function partsIn({ rest, codes }: Manifest): string[] {
  return [...new Set([rest, ...Object.values(codes ?? {})])];
}

function partOf(value: Json): Part {
  const content = canonicalBytes(value);
  return { hash: sha256Hex(content), bytes: deflateRawSync(content) };
}

function inflated(bytes: Uint8Array): Uint8Array | null {
  try {
    return inflateRawSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch {
    return null;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

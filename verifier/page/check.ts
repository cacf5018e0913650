/** One check, as a worker runs it, or the page itself where there is no worker. */
import { InputError } from "../../src/core/errors.ts";
import type { Link, Verification } from "../../src/core/proof/verify.ts";
import { verify } from "../index.ts";
import { type Fact, readSaid } from "./facts.ts";
import { readBlocks, readKeys, requireBundleSize } from "./request.ts";

/** What the form holds. */
export type Asked = { bytes: Uint8Array; block: string; key: string };

/** The fields of the form that can be wrong. */
export const FIELDS = ["bundle", "block", "key"] as const;
export type Field = (typeof FIELDS)[number];

/** What a check says: each link as it is looked at, then either the end, or which field cannot be used and why. */
export type Answer =
  | { kind: "link"; link: Link }
  | { kind: "wrong"; field: Field; sentence: string }
  | { kind: "done"; verification: Verification; facts: readonly Fact[] };

/** Checks a bundle. It never throws: what cannot be used is an answer too. */
export async function check(asked: Asked, onLink: (link: Link) => void): Promise<Answer> {
  let field: Field = "bundle";
  try {
    requireBundleSize(asked.bytes.length);
    const said = readSaid(asked.bytes);
    field = "block";
    const blocks = readBlocks(asked.block, said?.block ?? null);
    field = "key";
    const keys = readKeys(asked.key);
    field = "bundle";
    const verification = await verify(asked.bytes, { ...keys, ...(blocks === undefined ? {} : { blocks }), onLink });
    return { kind: "done", verification, facts: said?.facts ?? [] };
  } catch (error) {
    const sentence = error instanceof InputError ? error.message : `The check failed: ${error}`;
    return { kind: "wrong", field, sentence };
  }
}

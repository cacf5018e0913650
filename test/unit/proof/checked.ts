/** What the tests of proven bundles and figure proofs share: checking one, and changing one. */
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import { type LinkName, type Trust, type Verification, verifyBundle } from "../../../src/core/proof/verify.ts";
import { BLOCK_TRUST } from "./proven-sample.ts";

export const check = async (bytes: Uint8Array, trust: Trust = BLOCK_TRUST): Promise<Verification> =>
  await verifyBundle(bytes, trust);
export const named = ({ links }: Verification, ok: boolean | null): LinkName[] =>
  links.filter((link) => link.ok === ok).map(({ link }) => link);
export const failedOf = async (bytes: Uint8Array, trust?: Trust) => named(await check(bytes, trust), false);
export const said = ({ links }: Verification, name: LinkName): string =>
  links.find(({ link }) => link === name)?.sentence ?? "";
export const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

// biome-ignore lint/suspicious/noExplicitAny: a test changes what is read-only elsewhere.
export type Loose = any;

/** The bundle or figure proof with a change, in canonical form again. */
export function changed(bytes: Uint8Array, change: (json: Loose) => void): Uint8Array {
  const json = parse(bytes);
  change(json);
  return canonicalBytes(json as Json);
}

/** The letters of a hex text in capitals. */
export function upper(record: Record<string, string>, key: string): void {
  record[key] = (record[key] as string).toUpperCase().replace("0X", "0x");
}

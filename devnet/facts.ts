/**
 * The devnet's registry: client class and jurisdiction of a good half of its traders, what kind of entity some of them
 * and the protocols are, signed by an authority whose key is no secret. `node bin/run.mjs devnet/facts.ts` writes `facts.json` and `facts.pub`.
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { keccak256, toBytes } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { FACTS_VERSION, type Fact, factsKeyOf, signFacts } from "../src/core/rules/facts.ts";
import { MNEMONIC } from "./anvil.ts";
import { PERP_CHAIN, SYNTHETIX_CHAIN, TRADERS } from "./market/cast.ts";

/** Derived from a sentence, so that anyone can make the file again. Never an authority's key outside the devnet. */
const AUTHORITY_SECRET = keccak256(toBytes("The Plumbline devnet's authority")).slice(2);

/** The public key that `facts.json` is signed with, 64 hex digits. */
export function authorityKey(): string {
  return factsKeyOf(AUTHORITY_SECRET);
}

/** Each protocol as if it were a central counterparty somewhere, so that the rules for those have somebody to bind. */
const VENUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`eip155:${PERP_CHAIN}/perp-v2`]: { entityClass: "ccp", jurisdiction: "EU" },
  [`eip155:${SYNTHETIX_CHAIN}/synthetix-perps-v2`]: { entityClass: "ccp", jurisdiction: "US" },
};

/** The text of the signed file. Facts about traders are about addresses, so they hold on both chains. */
export function devnetFacts(): string {
  const traders = TRADERS.flatMap(({ index, facts: known }) => {
    if (known === null) return [];
    return factsOf(mnemonicToAccount(MNEMONIC, { addressIndex: index }).address.toLowerCase(), known);
  });
  const venues = Object.entries(VENUES).flatMap(([subject, known]) => factsOf(subject, known));
  const facts = [...traders, ...venues];
  const issuer = "Plumbline devnet authority";
  return signFacts({ version: FACTS_VERSION, issuer, issuedAt: "2026-03-31T12:00:00Z", facts }, AUTHORITY_SECRET);
}

function factsOf(subject: string, known: Readonly<Record<string, string>>): Fact[] {
  return Object.entries(known).map(([predicate, object]) => ({
    subject,
    predicate,
    object,
    validFrom: "2026-01-01",
    validTo: null,
  }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const readable = JSON.stringify(JSON.parse(devnetFacts()), null, 2);
  writeFileSync(new URL("./facts.json", import.meta.url), `${readable}\n`);
  writeFileSync(new URL("./facts.pub", import.meta.url), `${authorityKey()}\n`);
}

/**
 * Deployment files: which protocols on which chains, from which block. The file is plain JSON with numbers; what is
 * hashed and sealed is its canonical form, where integers are decimal strings and addresses lower case.
 */
import * as z from "zod";
import { COLLATERAL_CLASSES } from "./collateral-class.ts";
import { InputError } from "./errors.ts";
import type { Hex } from "./ids.ts";
import type { ChainDeployment, Deployment } from "./margin-model.ts";
import { canonicalBytes, type Json } from "./proof/canonical.ts";
import { sha256Hex } from "./proof/sha256.ts";

export type { Deployment } from "./margin-model.ts";

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "expected an address of 0x and 40 hex digits")
  .transform((text) => text.toLowerCase() as Hex);
const codeHash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, "expected a hash of 0x and 64 hex digits")
  .transform((text) => text.toLowerCase() as Hex);
const block = z.number().int().min(0, "expected a block number of 0 or more");
const count = z.number().int().min(1, "expected a whole number of 1 or more");
/** Every figure has 18 decimals, to which those of tokens and feeds are raised. */
const decimals = z.number().int().min(0).max(18, "expected decimals from 0 to 18");
const pair = z.string().regex(/^[A-Za-z0-9.]+\/[A-Za-z0-9.]+$/, "expected a pair like ETH/USD");
const symbol = z.string().regex(/^[A-Za-z0-9.]{1,20}$/, "expected a symbol like USDC");

const assetShape = z.strictObject({
  symbol,
  address,
  decimals,
  feed: pair,
  class: z.enum(COLLATERAL_CLASSES).optional(),
  issuer: z.string().trim().min(1, "expected an issuer's name, or null").max(80).nullable().optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "expected an ISO 4217 code like USD, or null")
    .nullable()
    .optional(),
});

const feedShape = z.strictObject({
  pair,
  aggregator: address,
  decimals,
  heartbeatSeconds: count,
  observers: z.array(address).optional(),
});

const protocolShape = z.strictObject({
  protocol: z.string().regex(/^[a-z][a-z0-9-]*$/, "expected a protocol of the catalogue like perp-v2"),
  startBlock: block,
  contracts: z.record(z.string().regex(/^\w+$/, "expected a contract's name"), address),
  settlement: assetShape,
  collateral: z.array(assetShape).optional(),
  underliers: z.record(z.string().min(1), symbol).optional(),
  codeHashes: z.record(address, codeHash).optional(),
});

const anchorShape = z.strictObject({ address, startBlock: block });

const chainShape = z.strictObject({
  chainId: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER, "expected a chain id"),
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "expected a short lower-case name like devnet-901"),
  startBlock: block,
  tickBlocks: count,
  epochBlocks: count,
  gridSeconds: count,
  finalityBlocks: count.optional(),
  feeds: z.array(feedShape),
  protocols: z.array(protocolShape).min(1, "expected at least one protocol"),
  anchor: anchorShape.optional(),
});

const deploymentShape = z.strictObject({
  version: z.literal(1, "expected version 1"),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "expected a short lower-case name like devnet"),
  chains: z.array(chainShape).min(1, "expected at least one chain"),
});

/**
 * Reads a deployment file. Addresses come out in lower case.
 * @param name what to call the file in messages.
 * @throws InputError naming the file, the place and what was expected there.
 */
export function parseDeployment(text: string, name: string): Deployment {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(`The deployment file ${name} is not JSON.`);
  }
  const parsed = deploymentShape.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.length ? issue.path.join(".") : "the top level";
    throw new InputError(`The deployment file ${name} is wrong at ${place}: ${issue?.message ?? "malformed"}.`);
  }
  const deployment = parsed.data as Deployment;
  requireUnique(
    "chain id",
    deployment.chains.map((chain) => chain.chainId),
    `The deployment file ${name}`,
  );
  requireUnique(
    "chain name",
    deployment.chains.map((chain) => chain.name),
    `The deployment file ${name}`,
  );
  for (const chain of deployment.chains) checkChain(chain, `Chain ${chain.chainId} of the deployment file ${name}`);
  return deployment;
}

/** The canonical form of a deployment: integers as decimal strings, nothing undefined. Body of its ledger entry. */
export function deploymentJson(deployment: Deployment): Json {
  return toJson(deployment);
}

/** SHA-256 of the RFC 8785 bytes of `deploymentJson`: the name of a deployment everywhere. */
export function deploymentHash(deployment: Deployment): Hex {
  return `0x${sha256Hex(canonicalBytes(deploymentJson(deployment)))}`;
}

function checkChain(chain: ChainDeployment, where: string): void {
  const pairs = new Set(chain.feeds.map((feed) => feed.pair));
  requireUnique(
    "price feed",
    chain.feeds.map((feed) => feed.pair),
    where,
  );
  requireUnique(
    "aggregator",
    chain.feeds.map((feed) => feed.aggregator),
    where,
  );
  requireUnique(
    "protocol",
    chain.protocols.map((entry) => entry.protocol),
    where,
  );
  if (chain.anchor !== undefined) checkStart("the anchor", chain.anchor, { chain, where });
  for (const { protocol, startBlock, settlement, collateral } of chain.protocols) {
    checkStart(protocol, { startBlock }, { chain, where });
    const assets = [settlement, ...(collateral ?? [])];
    for (const named of ["symbol", "address"] as const) {
      const names = assets.map((asset) => asset[named]);
      requireUnique(`${named} of an asset of ${protocol}`, names, where);
    }
    for (const asset of assets) {
      if (pairs.has(asset.feed)) continue;
      throw new InputError(
        `${where} values ${asset.symbol} of ${protocol} by the feed ${asset.feed}, which is not listed under feeds.`,
      );
    }
  }
}

function checkStart(
  what: string,
  { startBlock }: { startBlock: number },
  { chain, where }: { chain: ChainDeployment; where: string },
): void {
  if (startBlock >= chain.startBlock) return;
  throw new InputError(
    `${where} starts at block ${chain.startBlock}, after ${what}, which starts at block ${startBlock}.`,
  );
}

function requireUnique(what: string, values: readonly (string | number)[], where: string): void {
  // A hostile bundle's deployment lists tens of thousands: they are gone through once.
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) throw new InputError(`${where} has the ${what} ${value} twice.`);
    seen.add(value);
  }
}

function toJson(value: unknown): Json {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item)]));
  }
  return value as string | boolean | null;
}

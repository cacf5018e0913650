/**
 * What there is to be proven of a subject in an epoch, so that nothing of it is left out: worked out from the deployment
 * that the epoch names, by whoever makes a proof and again by whoever checks it.
 */
import { InputError } from "../errors.ts";
import { assetId, caip2, protocolId } from "../ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../margin-model.ts";
import type { Json } from "./canonical.ts";
import { deploymentFrom } from "./links/place.ts";

/** An asset of a protocol: its leaf in the tree of collateral, and the account's in the asset's own, if it is about one. */
export type AssetScope = { key: string; accountKey: string | null };

/**
 * Where to look in one protocol, or in what is said of the chain as a whole, whose `protocol` is the chain. `stateKey` is
 * null where the subject has no state of its own.
 */
export type Scope = {
  protocol: string;
  stateKey: string | null;
  holderKey: string;
  assets: readonly AssetScope[];
};

type Kind = "account" | "market" | "protocol" | "asset" | "chain";

/** Ids are lower case and ASCII: of a subject that only looks like one it would be shown that nothing is said of it. */
const KINDS: readonly [Kind, RegExp][] = [
  ["account", /^(eip155:[1-9]\d{0,14}):0x[0-9a-f]{40}$/],
  ["asset", /^(eip155:[1-9]\d{0,14})\/erc20:0x[0-9a-f]{40}$/],
  ["market", /^(eip155:[1-9]\d{0,14})\/[a-z][a-z0-9-]*\/[^/|\sA-Z\P{ASCII}]{1,80}$/u],
  ["protocol", /^(eip155:[1-9]\d{0,14})\/[a-z][a-z0-9-]*$/],
  ["chain", /^(eip155:[1-9]\d{0,14})$/],
];

/**
 * Everything that is to be shown of a subject: a scope for every protocol of its chain, as the deployment has them, and one
 * for the chain.
 * @param deployment in the form that is hashed.
 * @throws InputError for what is no subject of an epoch, one of another chain, or a deployment that is none or lacks the chain.
 */
export function scopesOf(subject: string, { chain, deployment }: { chain: string; deployment: Json }): Scope[] {
  const kind = kindOf(subject, chain);
  const entry = deploymentFrom(deployment).chains.find(({ chainId }) => caip2(chainId) === chain);
  if (entry === undefined) throw new InputError(`The deployment does not have the chain ${chain}.`);
  const scopes = entry.protocols.map((protocol): Scope => {
    const id = protocolId(entry.chainId, protocol.protocol);
    const assets = assetsOf(entry, protocol).filter((asset) => isShown(kind, { subject, id, asset }));
    return {
      protocol: id,
      stateKey: stateKeyOf(kind, { subject, id }),
      holderKey: `${id}|${subject}`,
      assets: assets.map((asset) => ({
        key: `${id}|${asset}`,
        accountKey: kind === "account" ? `${id}|${asset}|${addressIn(subject)}` : null,
      })),
    };
  });
  return [...scopes, { protocol: chain, stateKey: null, holderKey: `${chain}|${subject}`, assets: [] }];
}

function kindOf(subject: string, chain: string): Kind {
  for (const [kind, pattern] of KINDS) {
    const m = pattern.exec(subject);
    if (m === null) continue;
    if (m[1] !== chain) throw new InputError(`${subject} is not on ${chain}.`);
    return kind;
  }
  throw new InputError(
    `"${subject}" has no proof of its own; expected a CAIP-10 account, a market, protocol or chain, or a CAIP-19 asset. What is said of a position is in its account's.`,
  );
}

function stateKeyOf(kind: Kind, { subject, id }: { subject: string; id: string }): string | null {
  if (kind === "account") return `${id}/account:${addressIn(subject)}`;
  if (kind === "market" && subject.startsWith(`${id}/`)) return `${id}/market:${subject.slice(id.length + 1)}`;
  return null;
}

function isShown(kind: Kind, { subject, id, asset }: { subject: string; id: string; asset: string }): boolean {
  if (kind === "market") return false;
  if (kind === "protocol") return subject === id;
  return kind !== "asset" || subject === asset;
}

/** Each asset of a protocol once, the settlement asset first. */
function assetsOf({ chainId }: ChainDeployment, { settlement, collateral }: ProtocolDeployment): string[] {
  return [...new Set([settlement, ...(collateral ?? [])].map(({ address }) => assetId(chainId, address)))];
}

function addressIn(account: string): string {
  return account.slice(account.lastIndexOf(":") + 1);
}

/**
 * From what an account holds and what the deployment says of each asset to the inputs of the collateral metrics. Shares
 * are of what is worth something; a debt in the settlement asset is no part of them.
 */
import type { CollateralClass } from "../collateral-class.ts";
import type { AssetDeployment, Holding } from "../margin-model.ts";
import type { Reason } from "../result.ts";
import type { MetricId } from "./catalogue.ts";
import { gather, type InputsOf, type StatedAccount, type StatedMarket, sumOf, without } from "./inputs.ts";

/** The collateral metrics of an account, and whether it is in a rule's set. */
export type CollateralMetric =
  | Extract<MetricId, `ACC.COLLATERAL_${string}`>
  | "ACC.FX_MISMATCH_HAIRCUT"
  | "ACC.WRONG_WAY_SHARE"
  | "ACC.INELIGIBLE_COLLATERAL_SHARE"
  | "CLASS.COLLATERAL_IN";

/** An account's collateral, asked for only by metrics that need it. */
export type Posted = {
  /** `MarginModel.holdings` of the account. */
  holdings: () => readonly Holding[];
  /** The deployment's entry for a holding's `asset`. */
  assetOf: (symbol: string) => AssetDeployment | undefined;
  /** Time of a feed's last answer, seconds; null when it never gave one. */
  pricedAt: (feed: string) => bigint | null;
  now: bigint;
};

/** What a rule says about collateral; each for the metrics that take it, null where the rule does not say it. */
export type CollateralTerms = {
  /** Classes the metric looks at; all where null. */
  collateral?: ReadonlySet<CollateralClass> | null;
  /** Haircut by class, 18 decimals. A class held without one is `NO_RATE`. */
  haircuts?: ReadonlyMap<CollateralClass, bigint> | null;
  /** Further haircut for what is not a claim on the settlement asset's currency, 18 decimals. */
  currencyHaircut?: bigint | null;
  /** Classes that count as collateral at all; for the adjusted value all where null. */
  eligible?: ReadonlySet<CollateralClass> | null;
  /** Underliers (`BTC`) and classes (`PAYMENT_STABLECOIN` or a collateral class) of a set threshold. */
  set?: ReadonlySet<string> | null;
};

type Context = CollateralTerms & { account: StatedAccount; marketOf: (key: string) => StatedMarket; posted: Posted };

/** One asset with what the deployment says of it; what it does not say is undefined. */
type Stated = { holding: Holding; value: bigint; asset: AssetDeployment | undefined };

/** Set members that are classes under a regulation's own name. */
const CLASS_WORDS: Readonly<Record<string, CollateralClass>> = { PAYMENT_STABLECOIN: "FIAT_STABLE_REGULATED" };

/** The inputs of a collateral metric. Nothing held of the kind looked at is `NO_POSITION`. */
export function collateralInputs(metric: CollateralMetric, context: Context): InputsOf {
  const { posted } = context;
  if (metric === "ACC.COLLATERAL_ADJ") return adjustedInputs(context);
  const stated: Stated[] = [];
  for (const holding of posted.holdings()) {
    if (holding.value.value === null) return without(holding.value.reason);
    if (holding.value.value > 0n) {
      stated.push({ holding, value: holding.value.value, asset: posted.assetOf(holding.asset) });
    }
  }
  if (stated.length === 0) return without("NO_POSITION");
  switch (metric) {
    case "ACC.COLLATERAL_HAIRCUT":
      return appliedHaircutInputs(stated, context.collateral ?? null);
    case "ACC.FX_MISMATCH_HAIRCUT":
      return mismatchInputs(stated, posted);
    case "ACC.COLLATERAL_ISSUER_SHARE":
      return issuerInputs(stated, context.collateral ?? null);
    case "ACC.COLLATERAL_CLASS_SHARE":
      return shareInputs(stated, "held", (one) => isOfClass(one, context.collateral ?? null));
    case "ACC.COLLATERAL_HHI":
      return gather(Object.fromEntries(stated.map(({ holding, value }) => [`value.${holding.asset}`, value])));
    case "ACC.WRONG_WAY_SHARE":
      return shareInputs(stated, "wrongWay", (one) => isWrongWay(one, longUnderliers(context)));
    case "ACC.INELIGIBLE_COLLATERAL_SHARE":
      return shareInputs(stated, "ineligible", (one) => negated(isOfClass(one, context.eligible ?? new Set())));
    case "ACC.COLLATERAL_REVAL_AGE_H":
      return revaluationInputs(stated, posted);
    case "CLASS.COLLATERAL_IN":
      return shareInputs(stated, "outside", (one) => negated(isInSet(one, context.set ?? new Set())));
  }
}

/**
 * Values with their haircuts. What is not eligible is left out, which is what it counts for; a debt in the settlement
 * asset stays.
 */
function adjustedInputs({ posted, haircuts, eligible, currencyHaircut }: Context): InputsOf {
  const inputs: Record<string, bigint> = {};
  const settlement = posted.holdings().find((holding) => holding.isSettlement);
  const home = settlement && posted.assetOf(settlement.asset)?.currency;
  for (const holding of posted.holdings()) {
    const { asset, value } = holding;
    if (value.value === null) return without(value.reason);
    const entry = posted.assetOf(asset);
    if (value.value <= 0n) {
      if (value.value < 0n) Object.assign(inputs, priced(asset, { value: value.value, haircut: 0n, currency: 0n }));
      continue;
    }
    if (entry?.class === undefined) return without("NO_REGISTRY");
    if (eligible != null && !eligible.has(entry.class)) continue;
    const haircut = haircuts?.get(entry.class);
    const foreign = !holding.isSettlement && isForeign(entry, home);
    if (foreign === null) return without("NO_REGISTRY");
    const currency = foreign ? currencyHaircut : 0n;
    if (haircut === undefined || currency == null) return without("NO_RATE");
    Object.assign(inputs, priced(asset, { value: value.value, haircut, currency }));
  }
  return gather(inputs);
}

function priced(asset: string, { value, haircut, currency }: Record<"value" | "haircut" | "currency", bigint>) {
  return { [`value.${asset}`]: value, [`haircut.${asset}`]: haircut, [`currencyHaircut.${asset}`]: currency };
}

/** Value and what the protocol counts of it, over the classes looked at. */
function appliedHaircutInputs(stated: readonly Stated[], classes: ReadonlySet<CollateralClass> | null): InputsOf {
  const looked: Stated[] = [];
  for (const one of stated) {
    const isLooked = isOfClass(one, classes);
    if (typeof isLooked !== "boolean") return without(isLooked.reason);
    if (isLooked) looked.push(one);
  }
  if (looked.length === 0) return without("NO_POSITION");
  const value = looked.reduce((total, one) => total + one.value, 0n);
  return gather({ value, counted: sumOf(looked.map((one) => one.holding.counted)) });
}

function mismatchInputs(stated: readonly Stated[], { holdings, assetOf }: Posted): InputsOf {
  const settlement = holdings().find((holding) => holding.isSettlement);
  const home = settlement && assetOf(settlement.asset)?.currency;
  const figures: Record<string, bigint | Holding["counted"]> = {};
  for (const { holding, value, asset } of stated) {
    if (holding.isSettlement) continue;
    const foreign = isForeign(asset, home);
    if (foreign === null) return without("NO_REGISTRY");
    if (!foreign) continue;
    figures[`value.${holding.asset}`] = value;
    figures[`counted.${holding.asset}`] = holding.counted;
  }
  return Object.keys(figures).length === 0 ? without("NO_POSITION") : gather(figures);
}

/** Value by issuer among the classes looked at; what has no issuer, or is of other classes, is the rest. */
function issuerInputs(stated: readonly Stated[], classes: ReadonlySet<CollateralClass> | null): InputsOf {
  const inputs: Record<string, bigint> = { rest: 0n };
  for (const one of stated) {
    const isLooked = isOfClass(one, classes);
    if (typeof isLooked !== "boolean") return without(isLooked.reason);
    const issuer = one.asset?.issuer;
    if (isLooked && issuer === undefined) return without("NO_REGISTRY");
    const name = isLooked && issuer != null ? `issuer.${issuer}` : "rest";
    inputs[name] = (inputs[name] ?? 0n) + one.value;
  }
  return gather(inputs);
}

/** The value of what `isPart` picks as `name`, and the total. */
function shareInputs(
  stated: readonly Stated[],
  name: string,
  isPart: (one: Stated) => boolean | { reason: Reason },
): InputsOf {
  let part = 0n;
  let total = 0n;
  for (const one of stated) {
    const picked = isPart(one);
    if (typeof picked !== "boolean") return without(picked.reason);
    if (picked) part += one.value;
    total += one.value;
  }
  return gather({ [name]: part, total });
}

function revaluationInputs(stated: readonly Stated[], { pricedAt, now }: Posted): InputsOf {
  const inputs: Record<string, bigint> = { now };
  for (const { holding, asset } of stated) {
    const at = asset === undefined ? undefined : pricedAt(asset.feed);
    if (at == null) return without(asset === undefined ? "NO_REGISTRY" : "NO_PRICE");
    inputs[`pricedAt.${holding.asset}`] = at;
  }
  return gather(inputs);
}

/** Whether an asset is of one of the classes; all are where `classes` is null, also what no class is stated of. */
function isOfClass({ asset }: Stated, classes: ReadonlySet<CollateralClass> | null): boolean | { reason: Reason } {
  if (classes === null) return true;
  return asset?.class === undefined ? { reason: "NO_REGISTRY" } : classes.has(asset.class);
}

function negated(holds: boolean | { reason: Reason }): boolean | { reason: Reason } {
  return typeof holds === "boolean" ? !holds : holds;
}

/** Whether an asset is no claim on the settlement currency: a claim on another, or on none. Null where nobody says. */
function isForeign(asset: AssetDeployment | undefined, home: string | null | undefined): boolean | null {
  if (asset?.currency === undefined || home === undefined) return null;
  return asset.currency === null || asset.currency !== home;
}

/**
 * The protocol's own token, or collateral whose price is that of an underlier the account is long in: both fall when the
 * account loses.
 * @see FinMIO Article 105(4)
 */
function isWrongWay({ asset }: Stated, long: ReadonlySet<string>): boolean | { reason: Reason } {
  if (asset?.class === undefined) return { reason: "NO_REGISTRY" };
  return asset.class === "PROTOCOL_OWN_TOKEN" || long.has(underlierOf(asset));
}

function longUnderliers({ account, marketOf }: Context): Set<string> {
  const net = new Map<string, bigint>();
  for (const group of account.groups) {
    for (const { market, size } of group.positions) {
      const { underlier } = marketOf(market).product;
      net.set(underlier, (net.get(underlier) ?? 0n) + size);
    }
  }
  return new Set([...net].filter(([, size]) => size > 0n).map(([underlier]) => underlier));
}

/**
 * Whether an asset is one of the set's classes, or the coin it names. A staked or bridged token is priced like the coin
 * and is not it.
 */
function isInSet({ asset }: Stated, set: ReadonlySet<string>): boolean | { reason: Reason } {
  if (asset?.class === undefined) return { reason: "NO_REGISTRY" };
  if (set.has(asset.class)) return true;
  if (asset.class === "NATIVE_MAJOR" && set.has(underlierOf(asset))) return true;
  return [...set].some((word) => Object.hasOwn(CLASS_WORDS, word) && CLASS_WORDS[word] === asset.class);
}

/** What an asset's price follows: the base of its feed's pair. */
function underlierOf(asset: AssetDeployment): string {
  return asset.feed.slice(0, asset.feed.indexOf("/"));
}

import { WAD } from "../../core/fixed.ts";
import type { Reason } from "../../core/result.ts";
import type { Arithmetic, FundingEntry, FundingNow, GlobalParameters, Parameters } from "./arithmetic.ts";
import { type AnnouncedMarket, type Price, priceOf, type Setting, type State } from "./state.ts";

/**
 * What all positions of a market share at `now`. `price` is the protocol's, also when it is stale; `reason` says why no
 * figure can be had from it, and `valid` whether the protocol itself would act on it.
 */
export type Moment = {
  price: bigint;
  reason: Reason | null;
  valid: boolean;
  /** `null` where a view reverted or a parameter was never set: the contract's own figures revert then. */
  terms: { parameters: Parameters; globals: GlobalParameters; funding: FundingNow } | null;
};

type Inputs = {
  now: bigint;
  price: Price | null;
  skew: bigint;
  funding: FundingEntry;
  parameters: Partial<Parameters> | undefined;
  globals: Partial<GlobalParameters>;
  rateStalePeriod: bigint | null;
  suspended: boolean;
};

/**
 * Works out moments, and keeps the last one of each market: thousands of accounts ask for the same. What it was made
 * from is compared, not counted, because an undone block changes the state without telling anyone.
 */
export class Moments {
  readonly #state: State;
  readonly #setting: Setting;
  readonly #fundingAt: Arithmetic["fundingAt"];
  readonly #last = new Map<string, { inputs: Inputs; moment: Moment }>();

  constructor(state: State, setting: Setting, fundingAt: Arithmetic["fundingAt"]) {
    this.#state = state;
    this.#setting = setting;
    this.#fundingAt = fundingAt;
  }

  at(market: AnnouncedMarket, now: bigint): Moment {
    const inputs = this.#inputs(market, now);
    const last = this.#last.get(market.key);
    if (last && same(last.inputs, inputs)) return last.moment;
    const moment = this.#compute(inputs);
    this.#last.set(market.key, { inputs, moment });
    return moment;
  }

  #inputs({ names, skew, funding }: AnnouncedMarket, now: bigint): Inputs {
    const { parameters, globals, rateStalePeriod, suspensions } = this.#state;
    return {
      now,
      price: priceOf(this.#state, this.#setting, names.asset),
      skew,
      funding,
      parameters: parameters.get(names.marketKey),
      globals,
      rateStalePeriod,
      suspended: suspensions.get("system") === true || suspensions.get(names.subjects.synth) === true,
    };
  }

  #compute(inputs: Inputs): Moment {
    const { now, rateStalePeriod, funding, skew } = inputs;
    const price = inputs.price?.value ?? 0n;
    const parameters = complete(inputs.parameters);
    const globals = completeGlobals(inputs.globals);
    const stale = inputs.price === null || rateStalePeriod === null || inputs.price.updatedAt + rateStalePeriod < now;
    const terms = parameters &&
      globals && {
        parameters,
        globals,
        funding: this.#fundingAt(funding, { timestamp: now, price, skew, parameters }),
      };
    let reason: Reason | null = null;
    if (!terms) reason = "READ_REVERTED";
    else if (price <= 0n) reason = "NO_PRICE";
    else if (stale) reason = "STALE_ORACLE";
    return { price, reason, valid: price > 0n && !stale && !inputs.suspended, terms };
  }
}

function same(a: Inputs, b: Inputs): boolean {
  return (
    a.now === b.now &&
    a.price === b.price &&
    a.skew === b.skew &&
    a.funding === b.funding &&
    a.parameters === b.parameters &&
    a.globals === b.globals &&
    a.rateStalePeriod === b.rateStalePeriod &&
    a.suspended === b.suspended
  );
}

/** All five parameters; `null` while one is unknown, or where the contract would divide by zero. */
function complete(known: Partial<Parameters> | undefined): Parameters | null {
  if (!known) return null;
  const { maxLeverage, maxFundingVelocity, skewScale, liquidationPremiumMultiplier, liquidationBufferRatio } = known;
  if (
    maxLeverage === undefined ||
    maxFundingVelocity === undefined ||
    liquidationPremiumMultiplier === undefined ||
    liquidationBufferRatio === undefined ||
    !skewScale
  ) {
    return null;
  }
  return { maxLeverage, maxFundingVelocity, skewScale, liquidationPremiumMultiplier, liquidationBufferRatio };
}

function completeGlobals(known: Partial<GlobalParameters>): GlobalParameters | null {
  const { minKeeperFee, maxKeeperFee, liquidationFeeRatio, minInitialMargin, keeperLiquidationFee } = known;
  if (
    minKeeperFee === undefined ||
    maxKeeperFee === undefined ||
    liquidationFeeRatio === undefined ||
    minInitialMargin === undefined ||
    keeperLiquidationFee === undefined
  ) {
    return null;
  }
  return { minKeeperFee, maxKeeperFee, liquidationFeeRatio, minInitialMargin, keeperLiquidationFee };
}

/** How fast |funding rate per day| can grow per day: the velocity, whose skew is capped at one. */
export function growthBound(moment: Moment): bigint {
  return moment.terms?.parameters.maxFundingVelocity ?? WAD;
}

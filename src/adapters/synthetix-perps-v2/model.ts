import type { Journal } from "../../core/book/journal.ts";
import type { CustodyFigure } from "../../core/custody.ts";
import { InputError, InvariantError } from "../../core/errors.ts";
import type { CanonicalEvent, Reading, ReadRequest } from "../../core/event.ts";
import { abs } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type {
  Absorbers,
  AccountFigures,
  CreateModel,
  Effect,
  FeedDeployment,
  Figure,
  Holding,
  MarginModel,
  MarketFigures,
  Shock,
  StateJson,
} from "../../core/margin-model.ts";
import { compareKeys } from "../../core/order.ts";
import { ARITHMETIC, type Arithmetic, type Position } from "./arithmetic.ts";
import { equityUnder, type Held, holdingsOf } from "./collateral.ts";
import { applyCustody, custodyReads, isOfCustody, lastCustody } from "./custody.ts";
import { applyReading, reads } from "./discovery.ts";
import { figure, marginGroup, type Views, viewsOf } from "./figures.ts";
import { fold } from "./fold.ts";
import { growthBound, type Moment, Moments } from "./moment.ts";
import { contractsOf, PROTOCOL } from "./sources.ts";
import {
  type AnnouncedMarket,
  emptyState,
  type Feed,
  type Market,
  marketOf,
  type Names,
  priceOf,
  type Setting,
  type State,
} from "./state.ts";

type Given = Parameters<CreateModel>[0];

/** Bits of rounding in two truncated products: what the funding rate can exceed its bound by. */
const RATE_ROUNDING = 2n;

/**
 * Synthetix v2 perps: margin is isolated per market and account, and follows from logs, block timestamps and a few
 * readings at each market's announcement. Not followed are the circuit breaker, which remembers the price of every call
 * made through it, and Chainlink's warning flags: while one of them is raised the protocol calls a price invalid that
 * counts as valid here.
 */
class SynthetixPerpsV2Model implements MarginModel {
  readonly protocol = PROTOCOL;
  readonly marginMode = "ISOLATED";
  /** Stakers' debt pool is counterparty to the skew. */
  readonly book = "pool";
  readonly unit: string;
  readonly #state: State = emptyState();
  readonly #setting: Setting;
  readonly #journal: Journal;
  readonly #arithmetic: Arithmetic;
  readonly #moments: Moments;

  constructor({ config, feeds, journal }: Given, arithmetic: Arithmetic) {
    this.unit = config.settlement.symbol;
    this.#journal = journal;
    this.#arithmetic = arithmetic;
    this.#setting = {
      contracts: contractsOf(config),
      settlement: config.settlement,
      feeds: feedsByAddress(feeds),
      underliers: config.underliers ?? {},
    };
    this.#moments = new Moments(this.#state, this.#setting, arithmetic.fundingAt);
  }

  reads(event: CanonicalEvent): readonly ReadRequest[] {
    return event.protocol === PROTOCOL ? reads(this.#state, this.#setting, event) : [];
  }

  applyReading(reading: Reading): Effect {
    if (isOfCustody(reading)) {
      applyCustody(this.#state, { setting: this.#setting, journal: this.#journal, reading });
      return { accounts: [], markets: [], everyone: false };
    }
    applyReading(this.#state, { setting: this.#setting, journal: this.#journal, reading });
    return { accounts: [], markets: this.marketKeys(), everyone: true };
  }

  apply(event: CanonicalEvent): Effect {
    return fold({ state: this.#state, setting: this.#setting, journal: this.#journal, event });
  }

  marketKeys(): readonly string[] {
    const keys = [...this.#state.markets.values()].filter((market) => market.names !== null).map((m) => m.key);
    return keys.sort(compareKeys);
  }

  market(key: string, now: bigint): MarketFigures {
    const market = marketOf(this.#state, key);
    const moment = this.#moments.at(market, now);
    const rate = moment.terms?.funding.rate ?? null;
    return {
      key,
      symbol: market.names.symbol,
      product: market.names.product,
      markPrice: figure(moment.price, moment.reason),
      indexPrice: figure(moment.price, moment.reason),
      longSize: (market.size + market.skew) / 2n,
      shortSize: (market.size - market.skew) / 2n,
      fundingRatePerDay: figure(rate, moment.terms ? null : "READ_REVERTED"),
      fundingBound: {
        ratePerDay: abs(rate ?? market.funding.rate) + RATE_ROUNDING,
        growthPerDay: growthBound(moment),
      },
      badDebt: market.badDebt,
      status: this.#status(market),
      storageTotals: { size: market.size, skew: market.skew },
    };
  }

  addresses(): readonly Hex[] {
    return [...this.#state.accounts.keys()].sort(compareKeys);
  }

  account(address: Hex, now: bigint): AccountFigures {
    const keys = [...(this.#state.accounts.get(address) ?? [])].sort(compareKeys);
    const groups = keys.map((key) => {
      const market = marketOf(this.#state, key);
      const moment = this.#moments.at(market, now);
      return marginGroup(market.key, held(market, address), { moment, arithmetic: this.#arithmetic });
    });
    return { address, groups };
  }

  holders(market: string): Iterable<Hex> {
    return this.#state.markets.get(market)?.holders ?? [];
  }

  holdings(address: Hex, now: bigint): readonly Holding[] {
    return holdingsOf(this.unit, this.#held(address, now));
  }

  equityUnder(address: Hex, { now, shock }: Shock): Figure {
    return equityUnder(this.#held(address, now), shock);
  }

  /** There is no fund. Losses fall on the stakers' debt pool, which is not among the contracts followed. */
  absorbers(): Absorbers {
    return { fund: { value: 0n, reason: null }, pool: { value: null, reason: "PROTOCOL_HIDES_STATE" } };
  }

  epochReads(): readonly ReadRequest[] {
    return custodyReads(this.#state, this.#setting);
  }

  custody(asset: Hex): CustodyFigure {
    return lastCustody(this.#state, this.#setting, asset);
  }

  accountState(address: Hex): StateJson {
    const keys = [...(this.#state.accounts.get(address) ?? [])].sort(compareKeys);
    return Object.fromEntries(keys.map((key) => [key, positionState(marketOf(this.#state, key), address)]));
  }

  marketState(key: string): StateJson {
    const { names, funding, ...market } = marketOf(this.#state, key);
    const price = priceOf(this.#state, this.#setting, names.asset);
    return {
      asset: names.asset,
      marketKey: names.marketKey,
      listed: market.listed,
      size: `${market.size}`,
      skew: `${market.skew}`,
      badDebt: `${market.badDebt}`,
      funding: strings(funding),
      parameters: strings(this.#state.parameters.get(names.marketKey) ?? {}),
      globals: strings(this.#state.globals),
      rateStalePeriod: this.#state.rateStalePeriod === null ? null : `${this.#state.rateStalePeriod}`,
      price: price ? strings(price) : null,
      suspended: subjectsOf(names).filter((subject) => this.#state.suspensions.get(subject) === true),
    };
  }

  /** What the protocol's views answer for an account. */
  views(key: string, address: Hex, now: bigint): Views | null {
    const market = marketOf(this.#state, key);
    return viewsOf(market.positions.get(address), {
      moment: this.#moments.at(market, now),
      arithmetic: this.#arithmetic,
      flagged: market.flagged.has(address),
    });
  }

  /** What the protocol's views answer for a market. */
  marketViews(key: string, now: bigint): MarketViews {
    const market = marketOf(this.#state, key);
    return { market, moment: this.#moments.at(market, now) };
  }

  /** Everything the account has in any market. */
  #held(address: Hex, now: bigint): Held[] {
    return [...(this.#state.accounts.get(address) ?? [])].sort(compareKeys).map((key) => {
      const market = marketOf(this.#state, key);
      return { position: held(market, address), moment: this.#moments.at(market, now) };
    });
  }

  #status({ listed, names }: AnnouncedMarket): MarketFigures["status"] {
    if (!listed) return "CLOSED";
    const suspended = subjectsOf(names).some((subject) => this.#state.suspensions.get(subject) === true);
    return suspended ? "PAUSED" : "OPEN";
  }
}

/** A market's stored state, and its moment. */
export type MarketViews = { market: Market; moment: Moment };

/** The model of one deployment. `arithmetic` is the contract's own unless a test puts a wrong formula in its place. */
export function createSynthetixPerpsV2(given: Given, arithmetic: Arithmetic = ARITHMETIC): MarginModel {
  return new SynthetixPerpsV2Model(given, arithmetic);
}

/**
 * What the protocol's views answer for an account in a market at `now`, from the fold alone: for comparison with the
 * views themselves. `null` where a view reverts or state from before the first log is hidden.
 * @throws InputError when the model is another protocol's.
 */
export function views(model: MarginModel, market: string, of: { address: Hex; now: bigint }): Views | null {
  return own(model).views(market, of.address, of.now);
}

/** A market's totals and its moment, for the same comparison. @throws InputError when the model is another protocol's. */
export function marketViews(model: MarginModel, market: string, now: bigint): MarketViews {
  return own(model).marketViews(market, now);
}

function own(model: MarginModel): SynthetixPerpsV2Model {
  if (model instanceof SynthetixPerpsV2Model) return model;
  throw new InputError(`Views of ${PROTOCOL} were asked of a model of ${model.protocol}.`);
}

/** What must not be suspended for a market to be open. */
function subjectsOf({ subjects }: Names): string[] {
  return ["system", "exchange", "futures", subjects.market, subjects.synth];
}

function feedsByAddress(feeds: readonly FeedDeployment[]): Map<Hex, Feed> {
  const found = new Map<Hex, Feed>();
  for (const { aggregator, observers = [], decimals } of feeds) {
    const feed = { key: aggregator.toLowerCase() as Hex, decimals };
    for (const address of [aggregator, ...observers]) found.set(address.toLowerCase() as Hex, feed);
  }
  return found;
}

function held(market: Market, address: Hex): Position {
  const position = market.positions.get(address);
  if (position) return position;
  throw new InvariantError(`${address} is noted in market ${market.key} without margin or position.`);
}

function positionState(market: Market, address: Hex): StateJson {
  const { entryFunding, ...position } = held(market, address);
  return {
    ...strings(position),
    entryFunding: entryFunding === null ? null : `${entryFunding}`,
    flagged: market.flagged.has(address),
  };
}

function strings(record: Readonly<Record<string, bigint>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, value.toString()]));
}

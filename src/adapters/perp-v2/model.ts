import type { Journal } from "../../core/book/journal.ts";
import type { CustodyFigure } from "../../core/custody.ts";
import { InvariantError } from "../../core/errors.ts";
import type { CanonicalEvent, Reading, ReadRequest } from "../../core/event.ts";
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
  Product,
  ProtocolDeployment,
  Shock,
  StateJson,
} from "../../core/margin-model.ts";
import { compareKeys } from "../../core/order.ts";
import { type AccountContext, accountFigures, type ValuedPosition, valuedPositions } from "./account-figures.ts";
import { ARITHMETIC, type Arithmetic } from "./arithmetic.ts";
import { fundOf, holdingsOf } from "./collateral.ts";
import { lastCustody } from "./custody.ts";
import { configReader, enterTransaction, type Fold, NOTHING } from "./fold.ts";
import {
  addCollateral,
  applyObservation,
  applyRound,
  changeCollateralRatio,
  changeFee,
  changeInsuranceFee,
  changeParameter,
  changePriceFeed,
  changeStatus,
  listMarket,
  PARAMETER_EVENTS,
} from "./fold-markets.ts";
import { deposit, liquidateCollateral, realize, settleBadDebt, withdraw } from "./fold-money.ts";
import {
  changeLiquidity,
  changePosition,
  closePosition,
  initializePool,
  noteSwap,
  settleFunding,
  updateFunding,
} from "./fold-trades.ts";
import { marketFigures, type Valuation, valuate } from "./market-figures.ts";
import type { Evaluation } from "./market-prices.ts";
import { createFeeds } from "./price-feed.ts";
import { productOf } from "./product.ts";
import { applyReading, epochReads, readsFor } from "./readings.ts";
import { contractsOf, PROTOCOL } from "./sources.ts";
import { type Account, type Collateral, createAccount, isFlat, type Market, type PerpState } from "./state.ts";
import { accountJson, marketJson } from "./state-json.ts";
import { equityUnder } from "./stress.ts";

type Handler = (fold: Fold, event: CanonicalEvent) => Effect;

/** Events by name. `PositionLiquidated` changes nothing that PositionChanged and PnlRealized have not said. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  ChainlinkPriceUpdated: applyObservation,
  PoolAdded: listMarket,
  FeeRatioChanged: changeFee,
  InsuranceFundFeeRatioChanged: changeInsuranceFee,
  StatusUpdated: changeStatus,
  PriceFeedChanged: changePriceFeed,
  CollateralAdded: addCollateral,
  CollateralRatioChanged: changeCollateralRatio,
  ...Object.fromEntries(Object.keys(PARAMETER_EVENTS).map((name) => [name, changeParameter])),
  Initialize: initializePool,
  Swap: noteSwap,
  FundingUpdated: updateFunding,
  FundingPaymentSettled: settleFunding,
  PositionChanged: changePosition,
  PositionClosed: closePosition,
  PositionLiquidated: () => NOTHING,
  LiquidityChanged: changeLiquidity,
  Deposited: deposit,
  Withdrawn: withdraw,
  PnlRealized: realize,
  CollateralLiquidated: liquidateCollateral,
  BadDebtSettled: settleBadDebt,
};

/** A market valued at a time, with the stamps of everything that went into it. */
type Cached = {
  readonly now: bigint;
  readonly market: number;
  readonly feed: number;
  readonly config: number;
  readonly valuation: Valuation;
  figures: MarketFigures | null;
};

/**
 * Perp v2 of one chain: cross margin, takers and makers, exact to the wei from its logs and block times.
 *
 * Money is in the settlement token with 18 decimals. `#state` is changed only by `apply` and `applyReading`, and only
 * through the journal. `#cache` holds what the last valuation of each market gave; its keys contain stamps that never
 * come again, so an undo cannot bring a stale entry back to life.
 */
export class PerpV2Model implements MarginModel {
  readonly protocol = PROTOCOL;
  readonly marginMode = "CROSS" as const;
  /** Liquidity providers hold what takers trade against, so both sides of every contract are accounts. */
  readonly book = "matched" as const;
  readonly unit: string;
  readonly #config: ProtocolDeployment;
  readonly #state: PerpState;
  readonly #fold: Fold;
  readonly #cache = new Map<string, Cached>();
  #stamp = 0;

  constructor(args: {
    config: ProtocolDeployment;
    feeds: readonly FeedDeployment[];
    journal: Journal;
    arithmetic?: Arithmetic;
  }) {
    const { config, feeds, journal } = args;
    this.unit = config.settlement.symbol;
    this.#config = config;
    this.#state = createState(config, feeds);
    this.#fold = {
      state: this.#state,
      journal,
      arithmetic: args.arithmetic ?? ARITHMETIC,
      settlement: { address: config.settlement.address.toLowerCase(), decimals: config.settlement.decimals },
      insuranceFund: contractsOf(config).InsuranceFund,
      config: configReader(this.#state),
      nextStamp: () => ++this.#stamp,
    };
  }

  reads(event: CanonicalEvent): readonly ReadRequest[] {
    return readsFor(this.#fold, event, this.#config);
  }

  applyReading(reading: Reading): Effect {
    return applyReading(this.#fold, reading);
  }

  apply(event: CanonicalEvent): Effect {
    enterTransaction(this.#fold, event.txHash);
    if (event.protocol !== PROTOCOL) {
      return event.payload.event === "AnswerUpdated" ? applyRound(this.#fold, event) : NOTHING;
    }
    const handler = HANDLERS[String(event.payload.event)];
    if (handler === undefined) throw new InvariantError(`${event.id}: no handler for ${event.payload.event}.`);
    return handler(this.#fold, event);
  }

  marketKeys(): readonly string[] {
    return [...this.#state.markets.keys()].sort(compareKeys);
  }

  market(key: string, now: bigint): MarketFigures {
    const market = this.#state.markets.get(key);
    if (market === undefined) throw new InvariantError(`Perp v2 has no market ${key}.`);
    const cached = this.#valuate(market, now);
    cached.figures ??= marketFigures(cached.valuation, {
      state: this.#state,
      evaluation: this.#evaluation(now),
      product: this.#product(market),
      settlementDecimals: this.#fold.settlement.decimals,
    });
    return cached.figures;
  }

  addresses(): readonly Hex[] {
    return [...this.#state.accounts.keys()].sort(compareKeys);
  }

  account(address: Hex, now: bigint): AccountFigures {
    return accountFigures(this.#account(address), this.#context(now));
  }

  /** Positions with the parts of their figures that only the protocol's own views have; for comparison with those. */
  valued(address: Hex, now: bigint): readonly ValuedPosition[] {
    return valuedPositions(this.#account(address), this.#context(now));
  }

  *holders(market: string): Iterable<Hex> {
    for (const address of this.#state.markets.get(market)?.holders ?? []) {
      const position = this.#state.accounts.get(address)?.positions.get(market);
      if (position !== undefined && !isFlat(position)) yield address;
    }
  }

  holdings(address: Hex, now: bigint): readonly Holding[] {
    const context = this.#context(now);
    const account = this.#account(address);
    return holdingsOf(account, { valued: valuedPositions(account, context), context, config: this.#config });
  }

  equityUnder(address: Hex, { now, shock }: Shock): Figure {
    const context = this.#context(now);
    const account = this.#account(address);
    return equityUnder(account, { valued: valuedPositions(account, context), context, shock });
  }

  /** Both sides of every contract are accounts, so nothing but the fund stands behind a default. */
  absorbers(): Absorbers {
    const { settlement, insuranceFund } = this.#fold;
    const fund = fundOf(this.#state.accounts.get(insuranceFund), { wallet: this.#state.fundWallet, settlement });
    return { fund, pool: { value: 0n, reason: null } };
  }

  epochReads(): readonly ReadRequest[] {
    return epochReads(this.#config);
  }

  custody(asset: Hex): CustodyFigure {
    return lastCustody(this.#fold, asset);
  }

  accountState(address: Hex): StateJson {
    return accountJson(this.#account(address));
  }

  marketState(key: string): StateJson {
    const market = this.#state.markets.get(key);
    return market === undefined ? null : marketJson(market, this.#state);
  }

  /** All bad debt the insurance fund has taken over, 18 decimals of the settlement token; cumulative. */
  protocolBadDebt(): bigint {
    return this.#state.badDebt * 10n ** BigInt(18 - this.#fold.settlement.decimals);
  }

  #account(address: Hex): Account {
    return this.#state.accounts.get(address) ?? createAccount(address);
  }

  #context(now: bigint): AccountContext {
    return {
      now,
      config: this.#fold.config(),
      settlement: this.#fold.settlement,
      collateral: this.#state.collateral,
      valuationOf: (key) => {
        const market = this.#state.markets.get(key);
        return market === undefined ? null : this.#valuate(market, now).valuation;
      },
    };
  }

  #evaluation(now: bigint): Evaluation | null {
    const config = this.#fold.config();
    return config === null ? null : { now, config, arithmetic: this.#fold.arithmetic };
  }

  #valuate(market: Market, now: bigint): Cached {
    const stamps = { market: market.stamp, feed: market.feed?.stamp ?? 0, config: this.#state.configStamp };
    const known = this.#cache.get(market.key);
    if (
      known !== undefined &&
      known.now === now &&
      known.market === stamps.market &&
      known.feed === stamps.feed &&
      known.config === stamps.config
    ) {
      return known;
    }
    const cached = { now, ...stamps, valuation: valuate(market, this.#evaluation(now)), figures: null };
    this.#cache.set(market.key, cached);
    return cached;
  }

  #product(market: Market): Product {
    const { underliers } = this.#config;
    const named = underliers?.[market.key] ?? underliers?.[market.symbol] ?? market.feed?.pair.split("/")[0];
    return productOf(named ?? market.symbol);
  }
}

export const createModel: CreateModel = ({ config, feeds, journal }) => new PerpV2Model({ config, feeds, journal });

function createState(config: ProtocolDeployment, feeds: readonly FeedDeployment[]): PerpState {
  const collateral = new Map<string, Collateral>();
  for (const { address, decimals } of config.collateral ?? []) {
    const token = address.toLowerCase();
    collateral.set(token, { token, decimals, priceFeed: null, feed: null, ratio: 0n });
  }
  return {
    parameters: new Map(),
    feeds: createFeeds(feeds),
    dispatchers: new Map(),
    markets: new Map(),
    pools: new Map(),
    accounts: new Map(),
    collateral,
    badDebt: 0n,
    fundWallet: null,
    custody: new Map(),
    configStamp: 0,
    tx: { hash: null, touched: [] },
  };
}

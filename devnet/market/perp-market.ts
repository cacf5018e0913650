import type { Hex } from "../../src/core/ids.ts";
import type { Kit } from "../kit.ts";
import { createPanel, type Panel, type PanelCall, signed } from "../panel.ts";
import { type PerpMarket, type PerpV2, sqrtPriceX96 } from "../perp-v2.ts";
import { attempt, type PerpActions, perpActions, perpViews, send } from "../perp-v2-actions.ts";
import { ARBITRAGEUR, KEEPER, type Trader, tradersOn } from "./cast.ts";
import { PerpLiquidity, underlierOf } from "./perp-liquidity.ts";
import { PerpVariant } from "./perp-variant.ts";
import { CURRENCIES, type PricePath, pricePath } from "./prices.ts";
import { type Random, randomFor } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import {
  abs,
  announced,
  announcedSlowly,
  crowd,
  intentOf,
  loadsUp,
  type Market,
  rounded,
  wantedLeverage,
} from "./trading.ts";
import { variantOf } from "./variants.ts";

const USDC = 10n ** 6n;
const WAD = 10n ** 18n;
/** From six to eighteen digits. */
const UP = 10n ** 12n;

/** A trader as the last block left it. Money with 18 digits. */
type Standing = { trader: Trader; address: Hex; value: bigint; requirement: bigint; sizes: bigint[]; acts: boolean };

const POOLS_KEY = -1;

type View = { standings: Standing[]; keeperSizes: bigint[]; sqrtPrices: bigint[] };

/** The market on Perp v2: feeds, traders, liquidity providers, an arbitrageur and a keeper. */
export async function createPerpMarket(perp: PerpV2, scenario: Scenario): Promise<Market> {
  return new PerpTrading(perp, scenario, await createPanel(perp.kit, panelCalls(perp)));
}

/** What is read of each trader and of the keeper, by index; of the pools under -1. */
function panelCalls(perp: PerpV2): Map<number, PanelCall[]> {
  const { ClearingHouse, AccountBalance } = perp.contracts;
  const groups = new Map<number, PanelCall[]>();
  const sizes = (who: Hex): PanelCall[] =>
    perp.markets.map(({ base }) => ({
      contract: AccountBalance,
      functionName: "getTakerPositionSize",
      args: [who, base.address],
    }));
  for (const { index } of tradersOn(perp.kit.chainId)) {
    const who = perp.kit.accounts[index] as Hex;
    groups.set(index, [
      { contract: ClearingHouse, functionName: "getAccountValue", args: [who] },
      { contract: AccountBalance, functionName: "getMarginRequirementForLiquidation", args: [who] },
      ...sizes(who),
    ]);
  }
  groups.set(KEEPER, sizes(perp.kit.accounts[KEEPER] as Hex));
  const pools = perp.markets.map(({ pool }) => ({ contract: pool, functionName: "slot0", args: [] }));
  return groups.set(POOLS_KEY, pools);
}

class PerpTrading implements Market {
  readonly #perp: PerpV2;
  readonly #kit: Kit;
  readonly #scenario: Scenario;
  readonly #price: PricePath;
  readonly #act: PerpActions;
  readonly #views: ReturnType<typeof perpViews>;
  readonly #traders: readonly Trader[];
  readonly #panel: Panel<number>;
  readonly #liquidity: PerpLiquidity;
  readonly #variant: PerpVariant;

  constructor(perp: PerpV2, scenario: Scenario, panel: Panel<number>) {
    this.#perp = perp;
    this.#kit = perp.kit;
    this.#scenario = scenario;
    this.#price = pricePath(scenario);
    this.#act = perpActions(perp);
    this.#views = perpViews(perp);
    this.#traders = tradersOn(perp.kit.chainId);
    this.#panel = panel;
    this.#liquidity = new PerpLiquidity(perp, this.#price);
    this.#variant = new PerpVariant(perp, scenario);
  }

  async step(count: number): Promise<void> {
    const view = await this.#look(count);
    await this.#kit.batch(async () => {
      await this.#announce(count);
      if (count === 1) return this.#liquidity.provide(count);
      await this.#arbitrage(view, count);
      await this.#keep(view, count);
      await this.#trade(view, count);
      await this.#variant.act(count);
      if (count % 24 === 0) await this.#liquidity.moveNarrowRange(count);
    });
  }

  /** Prices of this block; sometimes somebody has the protocol's own wrapper record one at once. */
  async #announce(count: number): Promise<void> {
    for (const underlier of announced(this.#scenario, { chainId: this.#kit.chainId, count })) {
      const feed = this.#perp.feeds[underlier];
      await send(this.#kit, this.#act.setPrice(feed, this.#price(underlier, count)));
      const observed = count === 1 || this.#random("observe", underlier, count).chance(150);
      if (observed) await attempt(this.#kit, this.#act.observePrice(feed));
    }
    const slow = announcedSlowly(this.#scenario, { of: ["stable", ...CURRENCIES], everyBlocks: 15, count });
    for (const told of slow) {
      const feed = told === "stable" ? this.#perp.feeds.USDC.aggregator : this.#perp.plainFeeds[`${told}/USD`];
      const price = told === "stable" ? 10n ** 8n : this.#price(told, count);
      if (feed) await this.#kit.send(feed, "setAnswer", [price]);
    }
  }

  /** Brings each pool back to its index, where it strays by more than a quarter of a percent. */
  async #arbitrage(view: View, count: number): Promise<void> {
    for (const [i, market] of this.#perp.markets.entries()) {
      const random = this.#random("arbitrage", market.symbol, count);
      const target = sqrtPriceX96(this.#price(underlierOf(market), count), 8);
      const now = view.sqrtPrices[i] as bigint;
      // The square root moves half as far as the price.
      if (abs(target - now) * 800n < now || random.chance(120)) continue;
      const short = target < now;
      const usd = 3_000_000n * WAD;
      const amount = short ? (usd * 10n ** 8n) / this.#price(underlierOf(market), count) : usd;
      const limit = short ? max(target, (now * 957n) / 1000n) : min(target, (now * 1045n) / 1000n);
      const order = { short, exactInput: true, amount, sqrtPriceLimitX96: limit };
      const call = this.#act.openPosition(this.#address(ARBITRAGEUR), market, order);
      await this.#kit.attempt(call.contract, call.functionName, call.args, { from: call.from, unseen: true });
    }
  }

  /** Liquidates who may be liquidated, each with the care the cast gives it, and clears what liquidations left behind. */
  async #keep(view: View, count: number): Promise<void> {
    const keeper = this.#address(KEEPER);
    for (const standing of view.standings) {
      if (standing.value >= standing.requirement || !this.#turnsTo(standing, count)) continue;
      const largest = this.#largest(standing, count);
      if (largest !== null) await attempt(this.#kit, this.#act.liquidate(keeper, standing.address, largest));
    }
    for (const [i, market] of this.#perp.markets.entries()) {
      if (view.keeperSizes[i] !== 0n && this.#random("unload", market.symbol, count).chance(250)) {
        await attempt(this.#kit, this.#act.closePosition(keeper, market));
      }
    }
    if (count % 12 === 0) await this.#collect(view, keeper);
  }

  #turnsTo({ trader, value }: Standing, count: number): boolean {
    if (variantOf(this.#scenario).promptKeeper) return true;
    if (trader.keeper === "lost" && value >= 0n) return this.#random("lost", trader.index, count).chance(15);
    return this.#random("keeper", trader.index, count).chance(trader.keeper === "slow" ? 120 : 450);
  }

  /** Debts in USDC: repaid out of an account's WETH, which the keeper gets cheaper, or written off where nothing is left. */
  async #collect(view: View, keeper: Hex): Promise<void> {
    for (const { address, value, sizes } of view.standings) {
      const { settlement } = await this.#views.liquidatableCollateral(address);
      if (settlement > 0n) await attempt(this.#kit, this.#act.liquidateCollateral(keeper, address, settlement));
      else if (value < 0n && sizes.every((size) => size === 0n)) {
        await attempt(this.#kit, this.#act.settleBadDebt(keeper, address));
      }
    }
  }

  async #trade(view: View, count: number): Promise<void> {
    for (const standing of view.standings) {
      if (!standing.acts) continue;
      const place = this.#traders.indexOf(standing.trader);
      if (loadsUp(this.#scenario, standing.trader.style, { place, count })) await this.#adjust(standing, count);
      else await this.#decide(standing, count);
    }
  }

  async #decide(standing: Standing, count: number): Promise<void> {
    const random = this.#random("intent", standing.trader.index, count);
    if (standing.value <= 300n * WAD) return this.#deposit(standing, random, BigInt(random.between(5_000, 40_000)));
    if (standing.sizes.every((size) => size === 0n)) return this.#adjust(standing, count);
    const [market, size] = this.#held(standing, random);
    switch (intentOf(random)) {
      case "adjust":
        return this.#adjust(standing, count);
      case "reduce":
        return this.#reduce(standing, market, (size * BigInt(random.between(200, 700))) / 1000n);
      case "close":
        await attempt(this.#kit, this.#act.closePosition(standing.address, market));
        return;
      case "flip":
        return this.#reduce(standing, market, (size * 3n) / 2n);
      case "withdraw": {
        const amount = (standing.value * BigInt(random.between(10, 60))) / 1000n / UP;
        await attempt(this.#kit, this.#act.withdraw(standing.address, this.#perp.usdc, amount));
        return;
      }
      case "deposit":
        return this.#deposit(standing, random, BigInt(random.between(200, 2_000)));
      case "order":
        await attempt(this.#kit, this.#act.settleAllFunding(standing.address));
    }
  }

  /** USDC, or for one in four the same worth of WETH. */
  async #deposit({ address }: Standing, random: Random, usd: bigint): Promise<void> {
    const token = random.chance(250) ? this.#perp.weth : this.#perp.usdc;
    const amount = token === this.#perp.usdc ? usd * USDC : (usd * WAD) / 2000n;
    await attempt(this.#kit, this.#act.deposit(address, token, amount));
  }

  /** Trades in one market towards the leverage the trader wants over the whole account. */
  async #adjust({ trader, address, value, sizes }: Standing, count: number): Promise<void> {
    const random = this.#random("adjust", trader.index, count);
    const price = (i: number) => this.#price(underlierOf(this.#perp.markets[i] as PerpMarket), count);
    const gross = sizes.reduce((sum, size, i) => sum + (abs(size) * price(i)) / 10n ** 8n, 0n);
    const room = (value * wantedLeverage(trader.style, random)) / 1000n - gross;
    if (value <= 0n || room < 200n * WAD) return;
    const i = sizes.every((size) => size === 0n) || random.chance(300) ? random.below(sizes.length) : heldIndex(sizes);
    const size = sizes[i] as bigint;
    const short = size === 0n ? (random.chance(850) ? trader.side < 0 : trader.side > 0) : size < 0n;
    const amount = rounded(short ? (room * 10n ** 8n) / price(i) : room);
    const order = { short, exactInput: true, amount };
    await attempt(this.#kit, this.#act.openPosition(address, this.#perp.markets[i] as PerpMarket, order));
  }

  /** Trades `size` base units against the position: a part of it, or more than all to turn it round. */
  async #reduce({ address, trader, sizes }: Standing, market: PerpMarket, size: bigint): Promise<void> {
    const held = sizes[this.#perp.markets.indexOf(market)] as bigint;
    const turns = abs(size) > abs(held);
    if (turns && trader.style === "careful") return;
    const short = held > 0n;
    const order = { short, exactInput: short, amount: rounded(abs(size)) };
    await attempt(this.#kit, this.#act.openPosition(address, market, order));
  }

  /** Reads the traders who act in this block, and half of the others for the keeper. */
  async #look(count: number): Promise<View> {
    const acting = this.#acting(count);
    const seen = this.#traders.filter(({ index }, place) => acting.has(place) || (index + count) % 2 === 0);
    const answers = await this.#panel.read([...seen.map((t) => t.index), KEEPER, POOLS_KEY]);
    const numbers = (key: number) => (answers.get(key) ?? []).map((words) => signed(words[0] ?? 0n));
    const standings = seen.map((trader) => {
      const [value = 0n, requirement = 0n, ...sizes] = numbers(trader.index);
      const acts = acting.has(this.#traders.indexOf(trader));
      return { trader, address: this.#address(trader.index), value, requirement, sizes, acts };
    });
    return { standings, keeperSizes: numbers(KEEPER), sqrtPrices: numbers(POOLS_KEY) };
  }

  /** Places in the cast of those whose turn it is: two newcomers in the first blocks, then a few at random. */
  #acting(count: number): Set<number> {
    const random = this.#random("who", count);
    const acting = new Set<number>();
    if (count <= this.#traders.length / 2 + 1) for (const i of [2 * count - 4, 2 * count - 3]) acting.add(i);
    for (let n = crowd(this.#scenario, count, random); n > 0; n--) acting.add(random.below(this.#traders.length));
    for (const [place, { style }] of this.#traders.entries()) {
      if (loadsUp(this.#scenario, style, { place, count })) acting.add(place);
    }
    return acting;
  }

  /** One of the held markets. */
  #held(standing: Standing, random: Random): [PerpMarket, bigint] {
    const held = standing.sizes.flatMap((size, i) => (size === 0n ? [] : [i]));
    const i = random.pick(held);
    return [this.#perp.markets[i] as PerpMarket, standing.sizes[i] as bigint];
  }

  #largest({ sizes }: Standing, count: number): PerpMarket | null {
    let best: { market: PerpMarket; notional: bigint } | null = null;
    for (const [i, market] of this.#perp.markets.entries()) {
      const notional = abs(sizes[i] as bigint) * this.#price(underlierOf(market), count);
      if (notional > (best?.notional ?? 0n)) best = { market, notional };
    }
    return best?.market ?? null;
  }

  #address(index: number): Hex {
    return this.#kit.accounts[index] as Hex;
  }

  #random(...key: (string | number)[]): Random {
    return randomFor(this.#scenario.seed, this.#kit.chainId, ...key);
  }
}

function heldIndex(sizes: readonly bigint[]): number {
  return sizes.findIndex((size) => size !== 0n);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

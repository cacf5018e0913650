import type { Hex } from "../../src/core/ids.ts";
import type { PerpMarket, PerpV2 } from "../perp-v2.ts";
import { attempt, type Call, type PerpActions, perpActions, send } from "../perp-v2-actions.ts";
import { ARBITRAGEUR, KEEPER, LIQUIDITY_PROVIDERS, tradersOn } from "./cast.ts";
import type { PricePath, Underlier } from "./prices.ts";
import { tickNear } from "./ticks.ts";

const USDC = 10n ** 6n;
const WAD = 10n ** 18n;

/** What each provider of liquidity puts up: quote per side and market in USD, and how wide, in tick spacings. */
const POOLS = [
  { deposit: 6_000_000n, quote: 2_500_000n, spacings: 46 },
  { deposit: 3_000_000n, quote: 800_000n, spacings: 18 },
  { deposit: 1_500_000n, quote: 250_000n, spacings: 6 },
] as const;

/** Gives everyone tokens and the vault leave to take them. Part of the deployment: it takes one block. */
export async function fundPerpTraders(perp: PerpV2): Promise<void> {
  const actions = perpActions(perp);
  const everyone = [KEEPER, ARBITRAGEUR, ...LIQUIDITY_PROVIDERS, ...tradersOn(perp.kit.chainId).map((t) => t.index)];
  await perp.kit.batch(async () => {
    for (const index of everyone) {
      const amounts = { usdc: 50_000_000n * USDC, weth: 1_000n * WAD };
      for (const call of actions.fund(perp.kit.accounts[index] as Hex, amounts)) await send(perp.kit, call);
    }
  });
}

/** Those who stand behind the trades of others: they pay in when the market opens and keep its pools filled. */
export class PerpLiquidity {
  readonly #perp: PerpV2;
  readonly #price: PricePath;
  readonly #act: PerpActions;

  constructor(perp: PerpV2, price: PricePath) {
    this.#perp = perp;
    this.#price = price;
    this.#act = perpActions(perp);
  }

  /** Queues the deposits of keeper, arbitrageur and providers, and the providers' first ranges. */
  async provide(count: number): Promise<void> {
    const { kit, usdc, markets } = this.#perp;
    const deposit = (index: number, usd: bigint) =>
      send(kit, this.#act.deposit(this.#address(index), usdc, usd * USDC));
    await deposit(KEEPER, 10_000_000n);
    await deposit(ARBITRAGEUR, 30_000_000n);
    for (const [i, index] of LIQUIDITY_PROVIDERS.entries()) {
      const pool = POOLS[i] as (typeof POOLS)[number];
      await deposit(index, pool.deposit);
      for (const market of markets) await send(kit, this.#add(market, { index, pool, count }));
    }
  }

  /** The narrow provider gives up its ranges in one market and opens one around the present price. */
  async moveNarrowRange(count: number): Promise<void> {
    const { kit, contracts, markets } = this.#perp;
    const index = LIQUIDITY_PROVIDERS[2];
    const maker = this.#address(index);
    const market = markets[(count / 24) % markets.length] as PerpMarket;
    const ids: Hex[] = await kit.read(contracts.OrderBook, "getOpenOrderIds", [maker, market.base.address]);
    for (const id of ids) {
      const order = await kit.read(contracts.OrderBook, "getOpenOrderById", [id]);
      await attempt(kit, this.#act.removeLiquidity(maker, market, order));
    }
    await attempt(kit, this.#add(market, { index, pool: POOLS[2], count }));
  }

  #add(market: PerpMarket, at: { index: number; pool: (typeof POOLS)[number]; count: number }): Call {
    const price = this.#price(underlierOf(market), at.count);
    const center = Math.round(tickNear(price) / market.tickSpacing) * market.tickSpacing;
    const reach = at.pool.spacings * market.tickSpacing;
    const quote = at.pool.quote * WAD;
    const base = (quote * 10n ** 8n) / price;
    const range = { lowerTick: center - reach, upperTick: center + reach };
    return this.#act.addLiquidity(this.#address(at.index), market, { ...range, base, quote });
  }

  #address(index: number): Hex {
    return this.#perp.kit.accounts[index] as Hex;
  }
}

/** The underlier of a market, from its symbol: vETH. */
export function underlierOf(market: PerpMarket): Underlier {
  return market.symbol.slice(1) as Underlier;
}

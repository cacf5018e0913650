import { parseEther } from "viem";
import type { Hex } from "../../src/core/ids.ts";
import type { Kit } from "../kit.ts";
import { createPanel, type Panel, type PanelCall, signed } from "../panel.ts";
import { type Synthetix, setPrice } from "../synthetix.ts";
import { actionsOf, type SynthetixActions } from "../synthetix-actions.ts";
import { KEEPER, type Trader, tradersOn } from "./cast.ts";
import { type PricePath, pricePath, UNDERLIERS, type Underlier } from "./prices.ts";
import { type Random, randomFor } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { abs, announced, crowd, intentOf, loadsUp, type Market, rounded, wantedLeverage } from "./trading.ts";

const WAD = 10n ** 18n;

/** One trader in one market as the last block left it. Margin with 18 digits, funding and results included. */
type Standing = {
  trader: Trader;
  underlier: Underlier;
  address: Hex;
  size: bigint;
  margin: bigint;
  canLiquidate: boolean;
  flagged: boolean;
  ordered: boolean;
};

/** The market on Synthetix v2 perps: feeds, traders and a keeper; margin is isolated in each market. */
export async function createSynthetixMarket(synthetix: Synthetix, scenario: Scenario): Promise<Market> {
  const panel = await createPanel(synthetix.kit, panelCalls(synthetix));
  return new SynthetixTrading(synthetix, scenario, panel);
}

/** The two underliers a trader deals in. */
function dealsIn(trader: Trader): readonly Underlier[] {
  const first = trader.index % UNDERLIERS.length;
  return [first, (first + 1) % UNDERLIERS.length].map((i) => UNDERLIERS[i] as Underlier);
}

function panelCalls({ kit, markets }: Synthetix): Map<string, PanelCall[]> {
  const groups = new Map<string, PanelCall[]>();
  for (const trader of tradersOn(kit.chainId)) {
    for (const underlier of dealsIn(trader)) {
      const contract = markets[underlier].proxy;
      const args = [kit.accounts[trader.index]];
      const views = ["positions", "remainingMargin", "canLiquidate", "isFlagged", "delayedOrders"];
      const calls = views.map((functionName) => ({ contract, functionName, args }));
      groups.set(keyOf(trader, underlier), calls);
    }
  }
  return groups;
}

function keyOf(trader: Trader, underlier: Underlier): string {
  return `${trader.index}/${underlier}`;
}

class SynthetixTrading implements Market {
  readonly #synthetix: Synthetix;
  readonly #kit: Kit;
  readonly #scenario: Scenario;
  readonly #price: PricePath;
  readonly #act: SynthetixActions;
  readonly #traders: readonly Trader[];
  readonly #panel: Panel<string>;

  constructor(synthetix: Synthetix, scenario: Scenario, panel: Panel<string>) {
    this.#synthetix = synthetix;
    this.#kit = synthetix.kit;
    this.#scenario = scenario;
    this.#price = pricePath(scenario);
    this.#act = actionsOf(synthetix);
    this.#traders = tradersOn(synthetix.kit.chainId);
    this.#panel = panel;
  }

  async step(count: number): Promise<void> {
    const standings = await this.#look();
    await this.#kit.batch(async () => {
      await this.#announce(count);
      await this.#keep(standings, count);
      await this.#trade(standings, count);
    });
  }

  async #announce(count: number): Promise<void> {
    for (const underlier of announced(this.#scenario, { chainId: this.#kit.chainId, count })) {
      await setPrice(this.#synthetix, `${underlier}/USD`, this.#price(underlier, count));
    }
    if (count % 15 === 1) await setPrice(this.#synthetix, "sUSD/USD", 10n ** 8n);
  }

  /** Flags who may be liquidated, each with the care the cast gives it, and liquidates what stands flagged. */
  async #keep(standings: readonly Standing[], count: number): Promise<void> {
    const keeper = this.#address(KEEPER);
    for (const standing of standings) {
      const { underlier, address } = standing;
      if (standing.ordered) await this.#execute(standing, count);
      if (!standing.canLiquidate && !standing.flagged) continue;
      if (!this.#turnsTo(standing, count)) continue;
      if (!standing.flagged) await this.#act.flagPosition(underlier, keeper, address);
      else if (!(await this.#act.liquidatePosition(underlier, keeper, address))) {
        await this.#act.forceLiquidatePosition(underlier, keeper, address);
      }
    }
  }

  #turnsTo({ trader, underlier, margin, flagged }: Standing, count: number): boolean {
    if (flagged) return this.#random("liquidate", trader.index, underlier, count).chance(500);
    if (trader.keeper === "lost" && margin > 0n) return this.#random("lost", trader.index, count).chance(15);
    return this.#random("flag", trader.index, underlier, count).chance(trader.keeper === "slow" ? 130 : 450);
  }

  /** Executes a delayed order once it can be, or cancels it when its time is over. */
  async #execute({ underlier, address }: Standing, count: number): Promise<void> {
    if (!this.#random("execute", address, underlier, count).chance(500)) return;
    if (await this.#act.executeDelayedOrder(underlier, address, address)) return;
    await this.#act.cancelDelayedOrder(underlier, address, address);
  }

  async #trade(standings: readonly Standing[], count: number): Promise<void> {
    const acting = this.#acting(count);
    for (const [i, standing] of standings.entries()) {
      const place = Math.floor(i / 2);
      const due = loadsUp(this.#scenario, standing.trader.style, { place, count }) && i % 2 === 0;
      if (due && standing.margin > 0n) await this.#adjust(standing, count);
      else if (due || acting.has(i)) await this.#decide(standing, count);
    }
  }

  /** Places among the standings of those whose turn it is. */
  #acting(count: number): Set<number> {
    const random = this.#random("who", count);
    const acting = new Set<number>();
    if (count <= this.#traders.length) for (const i of [4 * count - 4, 4 * count - 2]) acting.add(i);
    for (let n = crowd(this.#scenario, count, random); n > 0; n--) acting.add(random.below(this.#traders.length * 2));
    return acting;
  }

  async #decide(standing: Standing, count: number): Promise<void> {
    const { trader, underlier, address, size, margin } = standing;
    const random = this.#random("intent", trader.index, underlier, count);
    const transfer = (amount: bigint) => this.#act.transferMargin(underlier, address, rounded(amount));
    if (margin <= 150n * WAD && size === 0n) {
      await transfer(BigInt(random.between(2_000, 18_000)) * WAD);
      return;
    }
    if (size === 0n) return this.#adjust(standing, count);
    switch (intentOf(random)) {
      case "adjust":
        return this.#adjust(standing, count);
      case "reduce":
        await this.#act.modifyPosition(underlier, address, -rounded((size * BigInt(random.between(200, 700))) / 1000n));
        return;
      case "close":
        await this.#act.closePosition(underlier, address);
        return;
      case "flip":
        if (trader.style !== "careful") await this.#act.modifyPosition(underlier, address, -rounded((size * 3n) / 2n));
        return;
      case "withdraw":
        await transfer((-margin * BigInt(random.between(10, 60))) / 1000n);
        return;
      case "deposit":
        await transfer(BigInt(random.between(100, 1_500)) * WAD);
        return;
      case "order":
        if (trader.style !== "careful") await this.#act.submitDelayedOrder(underlier, address, -rounded(size / 5n));
    }
  }

  /** Opens or adds towards the leverage the trader wants. */
  async #adjust({ trader, underlier, address, size, margin }: Standing, count: number): Promise<void> {
    const random = this.#random("adjust", trader.index, underlier, count);
    const price = this.#price(underlier, count) * 10n ** 10n;
    const room = (margin * wantedLeverage(trader.style, random)) / 1000n - (abs(size) * price) / WAD;
    if (room < parseEther("100")) return;
    const short = size === 0n ? (random.chance(850) ? trader.side < 0 : trader.side > 0) : size < 0n;
    const amount = rounded((room * WAD) / price);
    await this.#act.modifyPosition(underlier, address, short ? -amount : amount);
  }

  async #look(): Promise<Standing[]> {
    const places = this.#traders.flatMap((trader) => dealsIn(trader).map((underlier) => ({ trader, underlier })));
    const answers = await this.#panel.read(places.map(({ trader, underlier }) => keyOf(trader, underlier)));
    return places.map(({ trader, underlier }) => {
      const [position, margin, canLiquidate, flagged, order] = answers.get(keyOf(trader, underlier)) ?? [];
      return {
        trader,
        underlier,
        address: this.#address(trader.index),
        size: signed(position?.[4] ?? 0n),
        margin: margin?.[0] ?? 0n,
        canLiquidate: canLiquidate?.[0] === 1n,
        flagged: flagged?.[0] === 1n,
        ordered: (order?.[1] ?? 0n) !== 0n,
      };
    });
  }

  #address(index: number): Hex {
    return this.#kit.accounts[index] as Hex;
  }

  #random(...key: (string | number)[]): Random {
    return randomFor(this.#scenario.seed, this.#kit.chainId, ...key);
  }
}

import { parseEther } from "viem";
import type { Hex } from "../../src/core/ids.ts";
import type { Kit } from "../kit.ts";
import { createPanel, type Panel, type PanelCall, signed } from "../panel.ts";
import { marketOf, type Synthetix, setPrice, type Underlier } from "../synthetix.ts";
import { actionsOf, type SynthetixActions } from "../synthetix-actions.ts";
import { OTHER_UNDERLIERS } from "../synthetix-parameters.ts";
import { everyoneOn, KEEPER, type Trader, tradersOn } from "./cast.ts";
import { actingElsewhere, dealsElsewhere, isOther, wantedElsewhere } from "./other-markets.ts";
import { type PricePath, pricePath, UNDERLIERS } from "./prices.ts";
import { type Random, randomFor } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { SynthetixWhales } from "./synthetix-whales.ts";
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

const WAD = 10n ** 18n;

/** One trader in one market. `loads` is its place in the order in which the cast loads up before the fall. */
type Place = { trader: Trader; underlier: Underlier; loads: number | null };

/** A place as the last block left it. Margin with 18 digits, funding and results included. */
type Standing = Place & {
  place: Place;
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

/** Who stands where: each trader in its two crypto-assets, then whoever deals in other things. */
function placesOn(chainId: number): { places: readonly Place[]; elsewhereFrom: number } {
  const inCrypto = tradersOn(chainId).flatMap((trader, i): Place[] => {
    const first = trader.index % UNDERLIERS.length;
    const [one, two] = [first, (first + 1) % UNDERLIERS.length].map((n) => UNDERLIERS[n]) as [Underlier, Underlier];
    return [
      { trader, underlier: one, loads: i },
      { trader, underlier: two, loads: null },
    ];
  });
  const elsewhere = dealsElsewhere(everyoneOn(chainId)).map((deal, i): Place => ({ ...deal, loads: i }));
  return { places: [...inCrypto, ...elsewhere], elsewhereFrom: inCrypto.length };
}

function panelCalls(synthetix: Synthetix): Map<string, PanelCall[]> {
  const { kit } = synthetix;
  const groups = new Map<string, PanelCall[]>();
  for (const place of placesOn(kit.chainId).places) {
    const contract = marketOf(synthetix, place.underlier).proxy;
    const args = [kit.accounts[place.trader.index]];
    const views = ["positions", "remainingMargin", "canLiquidate", "isFlagged", "delayedOrders"];
    const calls = views.map((functionName) => ({ contract, functionName, args }));
    groups.set(keyOf(place), calls);
  }
  return groups;
}

function keyOf({ trader, underlier }: Pick<Place, "trader" | "underlier">): string {
  return `${trader.index}/${underlier}`;
}

class SynthetixTrading implements Market {
  readonly #synthetix: Synthetix;
  readonly #kit: Kit;
  readonly #scenario: Scenario;
  readonly #price: PricePath;
  readonly #act: SynthetixActions;
  readonly #places: readonly Place[];
  /** Where the places begin that are no crypto-asset's. */
  readonly #elsewhereFrom: number;
  readonly #panel: Panel<string>;
  readonly #whales: SynthetixWhales | null;

  constructor(synthetix: Synthetix, scenario: Scenario, panel: Panel<string>) {
    this.#synthetix = synthetix;
    this.#kit = synthetix.kit;
    this.#scenario = scenario;
    this.#price = pricePath(scenario);
    this.#act = actionsOf(synthetix);
    const { places, elsewhereFrom } = placesOn(synthetix.kit.chainId);
    this.#places = places;
    this.#elsewhereFrom = elsewhereFrom;
    this.#panel = panel;
    this.#whales = variantOf(scenario).whales ? new SynthetixWhales(synthetix, scenario, this.#price) : null;
  }

  async step(count: number): Promise<void> {
    const acting = this.#acting(count);
    const standings = await this.#look(acting, count);
    await this.#kit.batch(async () => {
      await this.#announce(count);
      await this.#keep(standings, count);
      await this.#trade(standings, { acting, count });
      await this.#whales?.act(count);
    });
  }

  async #announce(count: number): Promise<void> {
    const traded = announced(this.#scenario, { chainId: this.#kit.chainId, count });
    const elsewhere = announcedSlowly(this.#scenario, { of: OTHER_UNDERLIERS, everyBlocks: 5, count });
    const rest = announcedSlowly(this.#scenario, { of: ["stable", "GBP", "CHF"], everyBlocks: 15, count });
    for (const told of [...traded, ...elsewhere, ...rest]) {
      if (told === "stable") await setPrice(this.#synthetix, "sUSD/USD", 10n ** 8n);
      else await setPrice(this.#synthetix, `${told}/USD`, this.#price(told, count));
    }
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
    if (variantOf(this.#scenario).promptKeeper) return true;
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

  async #trade(
    standings: readonly Standing[],
    { acting, count }: { acting: ReadonlySet<Place>; count: number },
  ): Promise<void> {
    for (const standing of standings) {
      const due = this.#isDue(standing.place, count);
      if (due && standing.margin > 0n) await this.#adjust(standing, count);
      else if (due || acting.has(standing.place)) await this.#decide(standing, count);
    }
  }

  /** Whether a place must take its full position in this block. */
  #isDue({ trader, loads }: Place, count: number): boolean {
    return loads !== null && loadsUp(this.#scenario, trader.style, { place: loads, count });
  }

  /** Those whose turn it is. */
  #acting(count: number): Set<Place> {
    const random = this.#random("who", count);
    const [inCrypto, elsewhere] = [this.#elsewhereFrom, this.#places.length - this.#elsewhereFrom];
    const turns: number[] = [];
    if (count <= inCrypto / 4) turns.push(4 * count - 4, 4 * count - 2);
    for (let n = crowd(this.#scenario, count, random); n > 0; n--) turns.push(random.below(inCrypto));
    const others = actingElsewhere(this.#scenario, { chainId: this.#kit.chainId, places: elsewhere, count });
    for (const place of others) turns.push(inCrypto + place);
    return new Set(turns.flatMap((turn) => this.#places[turn] ?? []));
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
    const wanted = isOther(underlier)
      ? wantedElsewhere(underlier, { style: trader.style, random })
      : wantedLeverage(trader.style, random);
    const room = (margin * wanted) / 1000n - (abs(size) * price) / WAD;
    if (room < parseEther("100")) return;
    const short = size === 0n ? (random.chance(850) ? trader.side < 0 : trader.side > 0) : size < 0n;
    const amount = rounded((room * WAD) / price);
    await this.#act.modifyPosition(underlier, address, short ? -amount : amount);
  }

  /** Reads every place in crypto, and of the others those who act in this block and a third of the rest for the keeper. */
  async #look(acting: ReadonlySet<Place>, count: number): Promise<Standing[]> {
    const all = variantOf(this.#scenario).promptKeeper;
    const seen = this.#places.filter(
      (place, i) =>
        all || i < this.#elsewhereFrom || (i + count) % 3 === 0 || acting.has(place) || this.#isDue(place, count),
    );
    const answers = await this.#panel.read(seen.map(keyOf));
    return seen.map((place) => {
      const [position, margin, canLiquidate, flagged, order] = answers.get(keyOf(place)) ?? [];
      return {
        ...place,
        place,
        address: this.#address(place.trader.index),
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

import { maxUint256, parseEther } from "viem";
import type { Hex } from "../../src/core/ids.ts";
import { marketOf, type Synthetix } from "../synthetix.ts";
import { actionsOf, type SynthetixActions } from "../synthetix-actions.ts";
import { parametersOf } from "../synthetix-parameters.ts";
import { WHALES } from "./cast.ts";
import type { PricePath } from "./prices.ts";
import { crashBlocks, type Scenario } from "./scenario.ts";
import { rounded } from "./trading.ts";

const WAD = 10n ** 18n;
/** Two accounts, each with this much margin and so many times as much in gold: one long, one short. */
const MARGIN = 60_000_000n * WAD;
const LEVERAGE = 20n;

/** Two traders in gold of a size no margin threshold was made for, once the owner has lifted the market's limits. */
export class SynthetixWhales {
  readonly #synthetix: Synthetix;
  readonly #scenario: Scenario;
  readonly #price: PricePath;
  readonly #act: SynthetixActions;

  constructor(synthetix: Synthetix, scenario: Scenario, price: PricePath) {
    this.#synthetix = synthetix;
    this.#scenario = scenario;
    this.#price = price;
    this.#act = actionsOf(synthetix);
  }

  /** Queues what they do in this block: three blocks of preparation, all before the fall. */
  async act(count: number): Promise<void> {
    const start = Math.floor(crashBlocks(this.#scenario).from / 2);
    if (count === start) await this.#prepare();
    if (count === start + 1)
      for (const whale of this.#addresses()) await this.#act.transferMargin("XAU", whale, MARGIN);
    if (count === start + 2) await this.#open(count);
  }

  async #prepare(): Promise<void> {
    const { kit, contracts, susd } = this.#synthetix;
    const { marketKey } = marketOf(this.#synthetix, "XAU");
    // So deep that even they hardly move it.
    const limits = { maxMarketValue: maxUint256 / WAD, skewScale: parseEther("1000000000") };
    const parameters = { ...parametersOf("XAU"), ...limits };
    await kit.send(contracts.PerpsV2MarketSettings, "setParameters", [marketKey, parameters]);
    for (const whale of this.#addresses()) await kit.send(susd.issuer, "issue", [whale, MARGIN]);
  }

  async #open(count: number): Promise<void> {
    const [long, short] = this.#addresses() as [Hex, Hex];
    const size = rounded(((MARGIN * LEVERAGE) / (this.#price("XAU", count) * 10n ** 10n)) * WAD);
    await this.#act.modifyPosition("XAU", long, size);
    await this.#act.modifyPosition("XAU", short, -size);
  }

  #addresses(): Hex[] {
    return WHALES.map((index) => this.#synthetix.kit.accounts[index] as Hex);
  }
}

import type { Hex } from "../../src/core/ids.ts";
import type { PerpMarket, PerpV2 } from "../perp-v2.ts";
import { attempt, type PerpActions, perpActions, send } from "../perp-v2-actions.ts";
import { WHALES } from "./cast.ts";
import { crashBlocks, midnightBlock, type Scenario } from "./scenario.ts";
import { variantOf } from "./variants.ts";

const USDC = 10n ** 6n;
const WAD = 10n ** 18n;
const MARGIN = 700_000n * USDC;
/** Bought a block: as much as the pool bears without moving further than it may. */
const STEP = 450_000n * WAD;
const STEPS = 10;

/**
 * What happens on Perp v2 in some variants only: the owner changes how much of WETH's price counts, and a whale, which the
 * keeper leaves alone, is long so much ETH that the insurance fund could not bear its loss.
 */
export class PerpVariant {
  readonly #perp: PerpV2;
  readonly #scenario: Scenario;
  readonly #act: PerpActions;

  constructor(perp: PerpV2, scenario: Scenario) {
    this.#perp = perp;
    this.#scenario = scenario;
    this.#act = perpActions(perp);
  }

  /** Queues what the variant has for this block. */
  async act(count: number): Promise<void> {
    const { collateralRatio, whales } = variantOf(this.#scenario);
    if (whales) await this.#swim(count);
    if (collateralRatio === null) return;
    if (count !== midnightBlock(this.#scenario) - collateralRatio.blocksBeforeMidnight) return;
    const { kit, contracts, weth } = this.#perp;
    await kit.send(contracts.CollateralManager, "setCollateralRatio", [weth.address, collateralRatio.to]);
  }

  /** The whale's deposit, then a purchase a block, all before the fall. */
  async #swim(count: number): Promise<void> {
    const { kit, usdc, markets } = this.#perp;
    const whale = kit.accounts[WHALES[0]] as Hex;
    const start = Math.floor(crashBlocks(this.#scenario).from / 2);
    if (count === start) {
      for (const call of this.#act.fund(whale, { usdc: MARGIN, weth: 0n })) await send(kit, call);
      await send(kit, this.#act.deposit(whale, usdc, MARGIN));
    } else if (count > start && count <= start + STEPS) {
      const order = { short: false, exactInput: true, amount: STEP };
      await attempt(kit, this.#act.openPosition(whale, markets[0] as PerpMarket, order));
    }
  }
}

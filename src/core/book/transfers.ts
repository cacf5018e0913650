import type { Assessment } from "../assessment.ts";
import type { BlockRef, CanonicalEvent } from "../event.ts";
import { divUp, WAD } from "../fixed.ts";
import { caip10 } from "../ids.ts";
import type { AssetDeployment, Figure } from "../margin-model.ts";
import { transferOf } from "../metrics/subject-inputs.ts";
import { answer, questionsFor } from "../rules/assess.ts";
import { dayOf } from "../rules/day.ts";
import type { Conditions } from "./conditions.ts";
import type { Measurer } from "./measurer.ts";
import type { Prices } from "./prices.ts";
import type { Regime } from "./regime.ts";
import type { Venue } from "./venue.ts";

/** A deposit or withdrawal: units with 18 decimals, the price in the settlement asset. */
export type Transfer = { venue: Venue; block: BlockRef; units: bigint; price: Figure };

type Parts = { chainId: number; regime: Regime; measurer: Measurer; conditions: Conditions; prices: Prices };

/** Applies the rulebook to each deposit and withdrawal, as of the log that states it. */
export class Transfers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Assesses a change of collateral that names an amount; any other event is none. */
  assess(event: CanonicalEvent, venue: Venue): Assessment[] {
    const { account, block } = event;
    const moved = transferOf(event, venue.config);
    if (moved === null || account === null) return [];
    const { asset, units } = moved;
    const { chainId, regime, measurer, conditions } = this.#parts;
    const { protocol } = venue.config;
    const about = { subject: "account", moment: "transfer", protocol, products: [] } as const;
    const questions = questionsFor(regime.rulebook, {
      ...about,
      asset: asset?.class ?? null,
      date: dayOf(block.timestamp),
    });
    if (questions.length === 0) return [];
    const transfer = { venue, block, units, price: this.#price(asset, { venue, block }) };
    const subject = caip10(chainId, account);
    return conditions.record(
      { protocol: venue.id, subject, account: subject, testPoint: `log:${event.logIndex}`, block },
      answer(questions, measurer.transfer(transfer)),
    );
  }

  /** Price of the asset in the settlement asset, by the deployment's feeds, rounded up. */
  #price(asset: AssetDeployment | undefined, { venue, block }: { venue: Venue; block: BlockRef }): Figure {
    const { settlement } = venue.config;
    if (asset === undefined) return { value: null, reason: "NO_REGISTRY" };
    if (asset === settlement) return { value: WAD, reason: null };
    const [own, unit] = [asset, settlement].map(({ feed }) => this.#parts.prices.at(feed, block.timestamp)) as [
      Figure,
      Figure,
    ];
    if (own.value === null || unit.value === null) return own.value === null ? own : unit;
    return { value: divUp(own.value * WAD, unit.value), reason: null };
  }
}

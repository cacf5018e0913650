import type { Assessment } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import type { Hex } from "../ids.ts";
import { compareKeys } from "../order.ts";
import type { Appraiser } from "./appraiser.ts";
import type { Epochs } from "./epochs.ts";
import type { AccountRow, MarketRow, PositionRow } from "./figure-rows.ts";
import type { Journal } from "./journal.ts";
import type { Pending } from "./pending.ts";
import type { Projection } from "./projection.ts";
import type { Roster } from "./roster.ts";
import type { Surveyor } from "./surveyor.ts";
import type { Venue } from "./venue.ts";

type Parts = {
  journal: Journal;
  tickBlocks: number;
  venues: readonly Venue[];
  appraiser: Appraiser;
  surveyor: Surveyor;
  projection: Projection;
  epochs: Epochs;
  roster: Roster;
};

/** Rows to write for a block, each exact at its end. */
export type BlockRows = { positions: PositionRow[]; accounts: AccountRow[]; markets: MarketRow[] };

/**
 * What the end of a block and of a day bring about. Assessments go into the pending block, in a fixed order: openings and
 * transfers as they happened; then by venue and address the accounts, then markets, protocols, assets and the chain.
 */
export class Closing {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Assesses what can have changed by the end of the block, and makes the rows of what was touched. */
  endBlock(block: BlockRef, { pending, reconciled }: { pending: Pending; reconciled: boolean }): BlockRows {
    const { venues, appraiser, surveyor, projection, epochs, roster, tickBlocks, journal } = this.#parts;
    const tick = block.number % BigInt(tickBlocks) === 0n;
    const positions = new Map<string, PositionRow>(pending.ended.map((row) => [row.id, row]));
    const accounts = new Map<Hex, AccountRow>();
    const markets = new Map<string, MarketRow>();
    const refresh = tick || reconciled;
    const swept = roster.turn(block.number, { tick: refresh });
    for (const venue of venues) {
      if (pending.everyone.has(venue)) epochs.touchEveryone(venue);
      const touched = pending.accounts.get(venue) ?? new Set<Hex>();
      const project = new Set<Hex>([...touched, ...swept.filter((s) => s.venue === venue).map((s) => s.address)]);
      for (const address of this.#due(venue, { block, pending, touched })) {
        const found = appraiser.assessAccount(address, { venue, block });
        if (found.assessments.length + found.closed.length > 0) project.add(address);
        this.keep(found.assessments, pending);
        for (const closed of found.closed) journal.push(pending.closed, closed);
        for (const row of found.ended) positions.set(row.id, projection.ended(row, { venue, block }));
      }
      for (const address of project) {
        for (const row of projection.positions(address, { venue, block })) positions.set(row.id, row);
        accounts.set(address, projection.account(address, block));
        epochs.touchState(venue, "account", address);
      }
      for (const key of this.#marketsDue(venue, { pending, project, refresh })) {
        markets.set(`${venue.prefix}${key}`, projection.market(key, { venue, block }));
        epochs.touchState(venue, "market", key);
      }
    }
    if (tick || pending.anew) this.keep(surveyor.assessTick(block), pending);
    // Before the epoch's roots are struck, so that they commit to these as well.
    if (epochs.endsWith(block)) this.keep(surveyor.assessEpoch(block, epochs.numberOf(block)), pending);
    return { positions: [...positions.values()], accounts: [...accounts.values()], markets: [...markets.values()] };
  }

  /** Daily tests of everything, on the state at the end of `block`, the day's last. */
  endDay(block: BlockRef, pending: Pending): void {
    const { venues, appraiser, surveyor } = this.#parts;
    for (const venue of venues) {
      for (const address of venue.model.addresses()) {
        this.keep(appraiser.assessDay(address, { venue, block }), pending);
      }
    }
    this.keep(surveyor.assessDay(block), pending);
  }

  /** Adds assessments to those of the open block. */
  keep(assessments: readonly Assessment[], pending: Pending): void {
    for (const a of assessments) this.#parts.journal.push(pending.assessments, a);
  }

  /**
   * Accounts whose conditions can have changed in this block, each once. In key order, because how they were found also
   * depends on what the book has been through: after an undo everyone is looked at.
   */
  #due(
    venue: Venue,
    { block, pending, touched }: { block: BlockRef; pending: Pending; touched: ReadonlySet<Hex> },
  ): Hex[] {
    const { bands } = this.#parts.appraiser;
    const due = new Set<Hex>(touched);
    const all = bands.mustAssessAll(venue) || pending.everyone.has(venue);
    if (all) for (const address of venue.model.addresses()) due.add(address);
    for (const address of bands.due(venue, block)) due.add(address);
    return [...due].sort(compareKeys);
  }

  #marketsDue(
    venue: Venue,
    { pending, project, refresh }: { pending: Pending; project: ReadonlySet<Hex>; refresh: boolean },
  ): readonly string[] {
    if (refresh) return venue.model.marketKeys();
    const due = new Set(pending.markets.get(venue) ?? []);
    for (const address of project) for (const key of this.#parts.projection.marketsHeld(address, venue)) due.add(key);
    return [...due].sort(compareKeys);
  }
}

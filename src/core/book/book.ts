import { InvariantError } from "../errors.ts";
import type { BlockRef, CanonicalEvent, Reading, ReadRequest } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { ChainDeployment, Effect } from "../margin-model.ts";
import { dayNumberOf, dayOf } from "../rules/day.ts";
import { changesBetween, type Rulebook } from "../rules/rule.ts";
import type { Appraiser } from "./appraiser.ts";
import type { Conditions } from "./conditions.ts";
import type { Epochs } from "./epochs.ts";
import { exposuresAt, gridTimes, type Owners } from "./exposures.ts";
import { Journal } from "./journal.ts";
import { beginMark, endMark, logMark } from "./marks.ts";
import type { Measurer } from "./measurer.ts";
import { type BookParts, type BookSettings, createParts } from "./parts.ts";
import { type BlockOutcome, emptyPending, type Pending } from "./pending.ts";
import type { Prices } from "./prices.ts";
import type { Projection } from "./projection.ts";
import { isTotal, type Reconciliation } from "./reconciliation.ts";
import type { Surveyor } from "./surveyor.ts";
import type { Venue } from "./venue.ts";

/** Blocks the undo journal reaches back; more than any reorg the indexer survives without a rebuild. */
const JOURNAL_BLOCKS = 96n;

/** A log as the book folds it: what it means, and what had to be read for it. */
export type Entry = { blockNumber: bigint; logIndex: number; txIndex: number };

/**
 * The in-memory state of one chain: the fold of its events, prices and readings, block by block.
 *
 * Invariants: all state that depends on the chain changes through the journal; a block is begun once, takes its logs in
 * log order, and is ended once; what `end` returns is a function of the fold alone, so a book rebuilt from rows continues
 * exactly as one that never stopped.
 */
export class Book {
  readonly chain: ChainDeployment;
  readonly journal = new Journal();
  readonly prices: Prices;
  readonly venues: readonly Venue[];
  readonly owners: Owners;
  readonly reconciliation: Reconciliation;
  readonly projection: Projection;
  readonly epochs: Epochs;
  readonly conditions: Conditions;
  readonly appraiser: Appraiser;
  readonly surveyor: Surveyor;
  readonly measurer: Measurer;
  readonly #parts: BookParts;
  readonly #at: { block: BlockRef | null; ended: BlockRef | null; pending: Pending } = {
    block: null,
    ended: null,
    pending: emptyPending(),
  };
  #lastMark = "";

  constructor(settings: BookSettings) {
    this.chain = settings.chain;
    const parts = createParts(settings, { journal: this.journal, kept: JOURNAL_BLOCKS });
    this.#parts = parts;
    this.prices = parts.prices;
    this.venues = parts.venues;
    this.owners = parts.owners;
    this.reconciliation = parts.reconciliation;
    this.projection = parts.projection;
    this.epochs = parts.epochs;
    this.conditions = parts.conditions;
    this.appraiser = parts.appraiser;
    this.surveyor = parts.surveyor;
    this.measurer = parts.measurer;
  }

  /** The newest rulebook, which questions are asked under; its blocks may still lie ahead. */
  get rulebook(): Rulebook {
    return this.#parts.regime.newest;
  }

  /** The block being folded, or the last one that was ended. */
  get block(): BlockRef | null {
    return this.#at.block ?? this.#at.ended;
  }

  /** The last block that was ended. */
  get ended(): BlockRef | null {
    return this.#at.ended;
  }

  /** Whether a block has been begun and not ended. */
  get isOpen(): boolean {
    return this.#at.block !== null;
  }

  /** Where the fold stands; later places have later marks. */
  get mark(): string {
    return this.#lastMark;
  }

  /** The hash under which a recent block was folded. */
  hashAt(number: bigint): Hex | undefined {
    return this.#parts.recent.hashAt(number);
  }

  /** Takes back the mark `at` and everything after it. */
  undoFrom(at: string): void {
    this.journal.undoFrom(at);
    this.#afterUndo(at);
  }

  /** Takes back everything after the end of block `number`. */
  undoToEndOf(number: bigint): void {
    this.journal.undoTo(endMark(number));
    this.#afterUndo(endMark(number));
  }

  /**
   * Opens the next block. Daily tests and strikes that were waiting for it are made as of the block before; `codes` are
   * the readings `codesNeeded` asked for.
   */
  begin(block: BlockRef, codes: readonly Reading[]): void {
    const { ended } = this.#at;
    if (this.#at.block !== null) throw new InvariantError(`Block ${this.#at.block.number} has not been ended.`);
    if (ended !== null && ended.number + 1n === block.number && ended.hash !== block.parentHash) {
      throw new InvariantError(`Block ${block.number} does not follow ${ended.hash}.`);
    }
    this.#step(beginMark(block.number));
    this.journal.put(this.#at, "block", block);
    this.journal.put(this.#at, "pending", emptyPending());
    this.#parts.recent.note(block);
    for (const reading of codes) this.owners.learn(reading.address, reading.result?.[0] === true);
    if (ended !== null) this.#closeDay(ended, block);
    if (this.#parts.regime.reach(block.number)) this.#assessAnew();
  }

  /** Codes that must be known before the strike this block brings about. Asked before `begin`. */
  codesNeeded(block: BlockRef): Hex[] {
    const { ended } = this.#at;
    if (ended === null || this.#strikesDue(ended, block).length === 0) return [];
    const needed = new Set<Hex>();
    for (const { address } of this.#parts.roster.members) if (!this.owners.knows(address)) needed.add(address);
    return [...needed];
  }

  /** The view calls the event needs before `apply`. */
  reads(event: CanonicalEvent): readonly ReadRequest[] {
    return this.#venueOf(event.protocol)?.model.reads(event) ?? [];
  }

  /** Opens the place of one log in the fold. */
  enter(entry: Entry): void {
    if (this.#at.pending.tx !== entry.txIndex) {
      this.#settleTransaction();
      this.journal.put(this.#at.pending, "tx", entry.txIndex);
    }
    this.#step(logMark(entry.blockNumber, entry.logIndex));
  }

  /** Folds the answer to a view call of `reads`. */
  applyReading(reading: Reading): void {
    const venue = this.#venueOf(reading.protocol);
    if (venue !== undefined) this.#touch(venue, venue.model.applyReading(reading));
  }

  /** Folds an event of the log that was entered, and assesses what it tests by itself. */
  apply(event: CanonicalEvent): void {
    if (event.kind === "ORACLE_PRICE") {
      this.prices.apply(event);
      for (const venue of this.venues) this.#touch(venue, venue.model.apply(event));
      return;
    }
    const venue = this.#venueOf(event.protocol);
    if (venue === undefined) return;
    if (event.kind === "LIQUIDATION") this.#parts.health.liquidated(event, venue);
    this.#touch(venue, venue.model.apply(event));
    const { pending } = this.#at;
    if (event.kind === "LIQUIDATION" || event.kind === "BAD_DEBT") this.journal.add(pending.losing, venue);
    this.#parts.closing.keep(this.#parts.transfers.assess(event, venue), pending);
    if (event.kind === "TRADE" && event.account !== null && event.market !== null) {
      const traded = { venue, address: event.account, market: event.market, logIndex: event.logIndex };
      this.journal.push(this.#at.pending.traded, traded);
    }
    if (event.kind === "LP_CHANGE" && event.account !== null) {
      this.journal.push(this.#at.pending.traded, { venue, address: event.account, market: null, logIndex: -1 });
    }
  }

  /**
   * The view calls to make at the end of this block, by venue: at the last one of an epoch, totals to compare open interest
   * with, and what no event tells.
   */
  readsAtEnd(block: BlockRef): { venue: Venue; requests: readonly ReadRequest[] }[] {
    if (!this.epochs.endsWith(block)) return [];
    return this.venues.map((venue) => {
      const { adapter, model } = venue;
      const totals = model.marketKeys().flatMap((key) => adapter.storageTotals?.(key) ?? []);
      return { venue, requests: [...totals, ...model.epochReads()] };
    });
  }

  /**
   * Ends the open block: assesses what can have changed, projects what was touched, strikes the epoch when due. `last` are
   * the readings `readsAtEnd` asked for.
   */
  end(last: readonly Reading[]): BlockOutcome {
    const { block, pending } = this.#at;
    if (block === null) throw new InvariantError("No block has been begun.");
    this.#settleTransaction();
    this.#step(endMark(block.number));
    const totals = last.filter(isTotal);
    for (const reading of last) if (!isTotal(reading)) this.applyReading(reading);
    this.reconciliation.learn(totals, this.venues);
    for (const venue of pending.losing) this.#parts.losses.follow(venue, block.timestamp);
    const rows = this.#parts.closing.endBlock(block, { pending, reconciled: totals.length > 0 });
    const struck = this.epochs.strike(block);
    this.journal.put(this.#at, "ended", block);
    this.journal.put(this.#at, "block", null);
    this.#forget(block.number);
    return {
      block,
      // Copies: an undo empties the book's own lists.
      assessments: [...pending.assessments],
      closed: [...pending.closed],
      ...rows,
      strikes: [...pending.strikes],
      epoch: struck?.epoch ?? null,
      leaves: struck?.leaves ?? [],
      collateral: struck?.collateral ?? [],
    };
  }

  #venueOf(protocol: string): Venue | undefined {
    return this.venues.find((v) => v.config.protocol === protocol);
  }

  #step(mark: string): void {
    if (mark === this.#lastMark) return;
    this.journal.mark(mark);
    this.#lastMark = mark;
  }

  #touch(venue: Venue, effect: Effect): void {
    const { pending } = this.#at;
    venue.figures.void();
    if (effect.everyone) this.journal.add(pending.everyone, venue);
    for (const key of effect.markets) this.journal.addTo(pending.markets, venue, key);
    for (const address of effect.accounts) {
      this.journal.addTo(pending.accounts, venue, address);
      this.#parts.roster.note(venue, address);
    }
  }

  /** Opening tests of the transaction that has just passed, on the state it left. */
  #settleTransaction(): void {
    const { block, pending } = this.#at;
    if (block === null || pending.traded.length === 0) return;
    const found = this.appraiser.assessOpenings(pending.traded, block);
    this.#parts.closing.keep(found.assessments, pending);
    for (const closed of found.closed) this.journal.push(pending.closed, closed);
    for (const { stretch, venue } of found.ended) {
      this.journal.push(pending.ended, this.projection.ended(stretch, { venue, block }));
    }
    this.journal.put(pending, "traded", []);
  }

  #closeDay(ended: BlockRef, next: BlockRef): void {
    const { pending } = this.#at;
    if (dayNumberOf(ended.timestamp) !== dayNumberOf(next.timestamp)) {
      this.#parts.closing.endDay(ended, pending);
      this.conditions.settle();
      const [from, to] = [dayOf(ended.timestamp), dayOf(next.timestamp)];
      // A rule whose life begins with the day is asked of everybody, whatever has touched them.
      if (changesBetween(this.#parts.regime.rulebook, { from, to })) {
        for (const venue of this.venues) this.journal.add(pending.everyone, venue);
      }
    }
    const due = this.#strikesDue(ended, next);
    if (due.length === 0) return;
    const exposures = exposuresAt(ended.timestamp, this);
    for (const gridTime of due) this.journal.push(pending.strikes, { gridTime, block: ended, exposures });
  }

  /** Under another version of the rulebook nothing of the former one's stands: everything is assessed again. */
  #assessAnew(): void {
    this.conditions.clear();
    this.appraiser.bands.clear();
    this.journal.put(this.#at.pending, "anew", true);
  }

  #strikesDue(ended: BlockRef, next: BlockRef): bigint[] {
    const gridSeconds = BigInt(this.chain.gridSeconds);
    return gridTimes(ended.timestamp, { next: next.timestamp, gridSeconds });
  }

  #afterUndo(mark: string): void {
    this.#lastMark = this.journal.last ?? "";
    if (this.#lastMark > mark) throw new InvariantError(`Undoing to ${mark} left ${this.#lastMark}.`);
    for (const venue of this.venues) venue.figures.void();
    this.appraiser.bands.clear();
  }

  #forget(number: bigint): void {
    if (number % 16n !== 0n || number <= JOURNAL_BLOCKS) return;
    this.journal.forget(beginMark(number - JOURNAL_BLOCKS));
    this.#parts.recent.forget(number);
  }
}

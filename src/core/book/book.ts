import type { Adapter } from "../adapter.ts";
import type { Assessment } from "../assessment.ts";
import { InvariantError } from "../errors.ts";
import type { BlockRef, CanonicalEvent, Reading, ReadRequest } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { ChainDeployment, Effect } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import type { Rulebook } from "../rules/rule.ts";
import { Appraiser } from "./appraiser.ts";
import { Epochs } from "./epochs.ts";
import { exposuresAt, gridTimes, Owners } from "./exposures.ts";
import { Journal } from "./journal.ts";
import { beginMark, endMark, logMark } from "./marks.ts";
import { type BlockOutcome, emptyPending, type Pending } from "./pending.ts";
import { Prices } from "./prices.ts";
import { type AccountRow, type MarketRow, type PositionRow, Projection } from "./projection.ts";
import { RecentBlocks } from "./recent-blocks.ts";
import { Reconciliation } from "./reconciliation.ts";
import { Roster } from "./roster.ts";
import { createVenues, type Venue } from "./venue.ts";

/** Blocks the undo journal reaches back; more than any reorg the indexer survives without a rebuild. */
const JOURNAL_BLOCKS = 96n;

/** A log as the book folds it: what it means, and what had to be read for it. */
export type Entry = { blockNumber: bigint; logIndex: number; txIndex: number };

/** Everything a book is made from. */
export type BookSettings = {
  chain: ChainDeployment;
  adapters: readonly Adapter[];
  rulebook: Rulebook;
  deploymentHash: Hex;
};

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
  readonly rulebook: Rulebook;
  readonly projection: Projection;
  readonly epochs: Epochs;
  readonly #appraiser: Appraiser;
  readonly #recent: RecentBlocks;
  readonly #roster: Roster;
  readonly #at: { block: BlockRef | null; ended: BlockRef | null; pending: Pending } = {
    block: null,
    ended: null,
    pending: emptyPending(),
  };
  #lastMark = "";

  constructor(settings: BookSettings) {
    this.chain = settings.chain;
    this.rulebook = settings.rulebook;
    this.prices = new Prices(settings.chain.feeds, this.journal);
    this.owners = new Owners(this.journal, settings.chain.chainId);
    this.reconciliation = new Reconciliation(this.journal);
    this.venues = createVenues(settings.chain, { adapters: settings.adapters, journal: this.journal });
    this.#roster = new Roster(this.journal);
    this.#recent = new RecentBlocks(this.journal, JOURNAL_BLOCKS);
    const { chainId, epochBlocks } = settings.chain;
    const { rulebook, deploymentHash } = settings;
    const changed = (key: string) => this.epochs.touchAssessment(key);
    this.#appraiser = new Appraiser(this.journal, { chainId, rulebook, changed });
    const { venues } = this;
    const appraiser = this.#appraiser;
    this.epochs = new Epochs({ chainId, epochBlocks, venues, appraiser, rulebookHash: rulebook.hash, deploymentHash });
    this.projection = new Projection({
      chainId: settings.chain.chainId,
      prices: this.prices,
      venues: this.venues,
      appraiser: this.#appraiser,
      reconciliation: this.reconciliation,
    });
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
    return this.#recent.hashAt(number);
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
    this.#recent.note(block);
    for (const reading of codes) this.owners.learn(reading.address, reading.result?.[0] === true);
    if (ended !== null) this.#closeDay(ended, block);
  }

  /** Codes that must be known before the strike this block brings about. Asked before `begin`. */
  codesNeeded(block: BlockRef): Hex[] {
    const { ended } = this.#at;
    if (ended === null || this.#strikesDue(ended, block).length === 0) return [];
    const needed = new Set<Hex>();
    for (const { address } of this.#roster.members) if (!this.owners.knows(address)) needed.add(address);
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

  applyReading(reading: Reading): void {
    const venue = this.#venueOf(reading.protocol);
    if (venue !== undefined) this.#touch(venue, venue.model.applyReading(reading));
  }

  apply(event: CanonicalEvent): void {
    if (event.kind === "ORACLE_PRICE") {
      this.prices.apply(event);
      for (const venue of this.venues) this.#touch(venue, venue.model.apply(event));
      return;
    }
    const venue = this.#venueOf(event.protocol);
    if (venue === undefined) return;
    if (event.kind === "LIQUIDATION") this.#appraiser.health.liquidated(event, venue);
    this.#touch(venue, venue.model.apply(event));
    if (event.kind === "TRADE" && event.account !== null && event.market !== null) {
      const traded = { venue, address: event.account, market: event.market, logIndex: event.logIndex };
      this.journal.push(this.#at.pending.traded, traded);
    }
    if (event.kind === "LP_CHANGE" && event.account !== null) {
      this.journal.push(this.#at.pending.traded, { venue, address: event.account, market: null, logIndex: -1 });
    }
  }

  /** Venues whose open interest is to be compared with storage at the end of this block: the last one of an epoch. */
  venuesToReconcile(block: BlockRef): Venue[] {
    if (!this.epochs.endsWith(block)) return [];
    return this.venues.filter((v) => v.adapter.storageTotals !== undefined);
  }

  /**
   * Ends the open block: assesses what can have changed, projects what was touched, strikes the epoch when due. `totals`
   * are the readings of storage totals, for the venues to reconcile.
   */
  end(totals: readonly Reading[]): BlockOutcome {
    const { block, pending } = this.#at;
    if (block === null) throw new InvariantError("No block has been begun.");
    this.#settleTransaction();
    this.#step(endMark(block.number));
    this.reconciliation.learn(totals, this.venues);
    const tick = block.number % BigInt(this.chain.tickBlocks) === 0n || totals.length > 0;
    const positions = new Map<string, PositionRow>(pending.ended.map((row) => [row.id, row]));
    const accounts = new Map<Hex, AccountRow>();
    const markets = new Map<string, MarketRow>();
    const swept = tick ? this.#roster.turn(block.number / BigInt(this.chain.tickBlocks)) : [];
    for (const venue of this.venues) {
      const touched = pending.accounts.get(venue) ?? new Set<Hex>();
      const project = new Set<Hex>([...touched, ...swept.filter((s) => s.venue === venue).map((s) => s.address)]);
      for (const address of this.#due(venue, block, touched)) {
        const found = this.#appraiser.assessAccount(address, { venue, block });
        if (found.assessments.length + found.closed.length > 0) project.add(address);
        this.#keep(found.assessments);
        for (const closed of found.closed) this.journal.push(pending.closed, closed);
        for (const row of found.ended) positions.set(row.id, this.projection.ended(row, { venue, block }));
      }
      for (const address of project) {
        for (const row of this.projection.positions(address, { venue, block })) positions.set(row.id, row);
        accounts.set(address, this.projection.account(address, block));
        this.epochs.touchState(venue, "account", address);
      }
      for (const key of this.#marketsDue(venue, { project, tick })) {
        markets.set(`${venue.prefix}${key}`, this.projection.market(key, { venue, block }));
        this.epochs.touchState(venue, "market", key);
      }
    }
    const epoch = this.epochs.strike(block);
    this.journal.put(this.#at, "ended", block);
    this.journal.put(this.#at, "block", null);
    this.#forget(block.number);
    return {
      block,
      // Copies: an undo empties the book's own lists.
      assessments: [...pending.assessments],
      closed: [...pending.closed],
      positions: [...positions.values()],
      accounts: [...accounts.values()],
      markets: [...markets.values()],
      strikes: [...pending.strikes],
      epoch,
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
    for (const key of effect.markets) this.#mark(pending.markets, venue, key);
    for (const address of effect.accounts) {
      this.#mark(pending.accounts, venue, address);
      this.#roster.note(venue, address);
    }
  }

  #mark<T>(sets: Map<Venue, Set<T>>, venue: Venue, value: T): void {
    let set = sets.get(venue);
    if (set === undefined) {
      set = new Set();
      this.journal.set(sets, venue, set);
    }
    this.journal.add(set, value);
  }

  /** Opening tests of the transaction that has just passed, on the state it left. */
  #settleTransaction(): void {
    const { block, pending } = this.#at;
    if (block === null || pending.traded.length === 0) return;
    const found = this.#appraiser.assessOpenings(pending.traded, block);
    this.#keep(found.assessments);
    for (const closed of found.closed) this.journal.push(pending.closed, closed);
    for (const { stretch, venue } of found.ended) {
      this.journal.push(pending.ended, this.projection.ended(stretch, { venue, block }));
    }
    this.journal.put(pending, "traded", []);
  }

  #keep(assessments: readonly Assessment[]): void {
    for (const a of assessments) this.journal.push(this.#at.pending.assessments, a);
  }

  #closeDay(ended: BlockRef, next: BlockRef): void {
    const { pending } = this.#at;
    if (day(ended.timestamp) !== day(next.timestamp)) {
      for (const venue of this.venues) {
        for (const address of venue.model.addresses()) {
          this.#keep(this.#appraiser.assessDay(address, { venue, block: ended }));
        }
      }
    }
    const due = this.#strikesDue(ended, next);
    if (due.length === 0) return;
    const exposures = exposuresAt(ended.timestamp, this);
    for (const gridTime of due) this.journal.push(pending.strikes, { gridTime, block: ended, exposures });
  }

  #strikesDue(ended: BlockRef, next: BlockRef): bigint[] {
    const gridSeconds = BigInt(this.chain.gridSeconds);
    return gridTimes(ended.timestamp, { next: next.timestamp, gridSeconds });
  }

  /**
   * Accounts whose conditions can have changed in this block, each once. In key order, because how they were found also
   * depends on what the book has been through: after an undo everyone is looked at.
   */
  #due(venue: Venue, block: BlockRef, touched: ReadonlySet<Hex>): Hex[] {
    const due = new Set<Hex>(touched);
    const all = this.#at.pending.everyone.has(venue) || this.#appraiser.mustAssessAll(venue);
    if (all) for (const address of venue.model.addresses()) due.add(address);
    for (const address of this.#appraiser.dueByWatch(venue, block)) due.add(address);
    return [...due].sort(compareKeys);
  }

  #marketsDue(venue: Venue, { project, tick }: { project: ReadonlySet<Hex>; tick: boolean }): Set<string> {
    if (tick) return new Set(venue.model.marketKeys());
    const due = new Set(this.#at.pending.markets.get(venue) ?? []);
    for (const address of project) for (const key of this.projection.marketsHeld(address, venue)) due.add(key);
    return due;
  }

  #afterUndo(mark: string): void {
    this.#lastMark = this.journal.last ?? "";
    if (this.#lastMark > mark) throw new InvariantError(`Undoing to ${mark} left ${this.#lastMark}.`);
    this.epochs.forget();
    for (const venue of this.venues) venue.figures.void();
    this.#appraiser.reassessAll();
  }

  #forget(number: bigint): void {
    if (number % 16n !== 0n || number <= JOURNAL_BLOCKS) return;
    this.journal.forget(beginMark(number - JOURNAL_BLOCKS));
    this.#recent.forget(number);
  }
}

/** UTC day number of a timestamp in seconds. */
function day(timestamp: bigint): bigint {
  return timestamp / 86_400n;
}

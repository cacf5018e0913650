import type { Adapter } from "../adapter.ts";
import { Book } from "../book/book.ts";
import type { BlockOutcome } from "../book/pending.ts";
import { byBlock, foldBlock, type Rows } from "../book/replay.ts";
import { type Deployment, deploymentHash } from "../deployment.ts";
import { InputError } from "../errors.ts";
import type { BlockRef } from "../event.ts";
import { divUp, WAD } from "../fixed.ts";
import { addressOf, caip2, type Hex } from "../ids.ts";
import type { Figure } from "../margin-model.ts";
import type { Rulebook } from "../rules/rule.ts";
import { scheduleOf } from "../rules/schedule.ts";
import { type BlockRange, placeIn } from "./range.ts";
import { type NotionalOf, type RuleTally, Tally } from "./tally.ts";

/** Everything a backtest of one chain is made from. */
export type BacktestSettings = {
  /** CAIP-2. */
  chain: string;
  deployment: Deployment;
  adapters: readonly Adapter[];
  /** The rulebook on trial. */
  rulebook: Rulebook;
  /** The rulebook it is compared with. */
  against: Rulebook;
  /** The chain's history from its first block, whole blocks in rising order. */
  rows: AsyncIterable<Rows> | Iterable<Rows>;
  /** Which blocks count; all of them when absent. What lies before is folded all the same. */
  range?: BlockRange;
  /** Told after every page of rows. */
  onProgress?: (progress: { chain: string; block: bigint }) => void;
};

/** What a backtest of one chain found. `from` and `to` are the first and last block that counted. */
export type ChainBacktest = {
  chain: string;
  from: BlockRef | null;
  to: BlockRef | null;
  blocks: number;
  rules: readonly RuleTally[];
};

/**
 * Replays recorded history under two rulebooks at once and tells them apart. A function of its arguments: the same rows
 * and rulebooks give the same answer.
 * @throws InputError for a chain the deployment does not have, InvariantError for rows that do not follow one another.
 */
export async function backtest(settings: BacktestSettings): Promise<ChainBacktest> {
  const { chain, rulebook, against, rows, onProgress } = settings;
  const range = settings.range ?? { from: null, to: null };
  const books = { tested: createBook(settings, rulebook), against: createBook(settings, against) };
  const tally = new Tally(range, { tested: rulebook, against });
  const found: Omit<ChainBacktest, "rules"> = { chain, from: null, to: null, blocks: 0 };
  for await (const page of rows) {
    let last: BlockOutcome | null = null;
    for (const work of byBlock(page)) {
      const tested = foldBlock(books.tested, work);
      const other = foldBlock(books.against, work);
      if (tested === null || other === null) continue;
      tally.compare({ tested, against: other }, notionalIn(books.tested, tested.block));
      last = tested;
      const place = placeIn(range, tested.block);
      // The tests of a day's last block are made when the next block has begun, so one block more is folded.
      if (place === "after") return { ...found, rules: [...tally.rules.values()] };
      if (place === "before") continue;
      found.from ??= tested.block;
      found.to = tested.block;
      found.blocks++;
    }
    if (last !== null) onProgress?.({ chain, block: last.block.number });
  }
  return { ...found, rules: [...tally.rules.values()] };
}

function createBook({ chain, deployment, adapters }: BacktestSettings, rulebook: Rulebook): Book {
  const found = deployment.chains.find(({ chainId }) => caip2(chainId) === chain);
  if (found === undefined) throw new InputError(`${chain} is not a chain of the deployment ${deployment.name}.`);
  const schedule = scheduleOf(rulebook);
  return new Book({ chain: found, adapters, schedule, deploymentHash: deploymentHash(deployment) });
}

/** Notional of positions, and of all of an account's positions in one protocol, in USD; rounded up. */
function notionalIn(book: Book, { timestamp }: BlockRef): NotionalOf {
  return ({ protocol, subject }) => {
    const venue = book.venues.find(({ id }) => id === protocol);
    if (venue === undefined) return null;
    const place = placeOf(subject, venue.prefix);
    if (place === null) return null;
    const positions = venue.figures
      .account(place.address, timestamp)
      .groups.flatMap((group) => group.positions)
      .filter(({ market }) => place.market === null || market === place.market);
    if (place.market !== null && positions.length === 0) return null;
    const rate = book.prices.at(venue.config.settlement.feed, timestamp);
    return inUsd(
      positions.map(({ notional }) => notional),
      rate,
    );
  };
}

/** Whose a subject is: a position's account and market, or an account; null for what nobody holds. */
function placeOf(subject: string, prefix: string): { address: Hex; market: string | null } | null {
  if (/^eip155:\d+:0x[0-9a-f]{40}$/.test(subject)) return { address: addressOf(subject), market: null };
  const parts = subject.startsWith(prefix) ? subject.slice(prefix.length).split("/") : [];
  if (parts.length !== 3) return null;
  const [market, address] = parts as [string, Hex, string];
  return { address, market };
}

function inUsd(amounts: readonly Figure[], rate: Figure): bigint | null {
  if (rate.value === null) return null;
  let total = 0n;
  for (const { value } of amounts) {
    if (value === null) return null;
    total += value;
  }
  return divUp(total * rate.value, WAD);
}

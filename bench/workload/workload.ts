/**
 * The benchmark's chain, block by block, as a function of a seed: what is emitted, what view calls answer, and what the
 * tables must add up to in the end.
 */
import { randomFor } from "../../devnet/market/random.ts";
import { WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import { perpAnswers, synthetixAnswers, totalsNow } from "./answers.ts";
import { type Cast, createCast } from "./cast.ts";
import type { Answer, LogSpec } from "./log.ts";
import { baseTo, priceOf } from "./perp-pool.ts";
import { PerpSession } from "./perp-v2.ts";
import { createPrices, type PriceFeeds } from "./prices.ts";
import { accountOf, BLOCK_SECONDS, baseTokenOf, chainDeployment, FIRST_BLOCK, UNDERLIERS } from "./setting.ts";
import { SynthetixSession } from "./synthetix.ts";

/** A midnight the history crosses, at three fifths of it: 2026-04-03T00:00:00Z. */
const MIDNIGHT_SECONDS = 1_775_174_400n;
const BEFORE_MIDNIGHT = { numerator: 3n, denominator: 5n };
/** Empty blocks after the history: the indexers' finality is 30 blocks behind the head, and history ends there. */
const TAIL_BLOCKS = 36;
/** How far a pool's price may be from its index before it is arbitraged, in thousandths. */
const ARBITRAGE_PER_MILLE = 5n;
const MAKER_COLLECTS_EVERY = 250;

export type WorkloadOptions = {
  seed: number;
  accounts: number;
  /** Blocks of the history, and the logs each has at least. */
  blocks: number;
  logsPerBlock: number;
  /** Blocks mined while the indexers watch. */
  liveBlocks: number;
  liveLogsPerBlock: number;
};

export const FULL: WorkloadOptions = {
  seed: 1,
  accounts: 5_000,
  blocks: 3_000,
  logsPerBlock: 67,
  liveBlocks: 35,
  liveLogsPerBlock: 20,
};

/** A tenth of the history. */
export const QUICK: WorkloadOptions = { ...FULL, accounts: 500, blocks: 300, liveBlocks: 11 };

/** One block: view calls taught first, then its transactions. */
export type BlockPlan = {
  number: bigint;
  timestamp: bigint;
  taught: readonly Answer[];
  transactions: readonly (readonly LogSpec[])[];
};

export type Workload = {
  options: WorkloadOptions;
  /** History and tail. */
  history: readonly BlockPlan[];
  live: readonly BlockPlan[];
  /** State at the end of the history. */
  totals: Totals;
};

/** What the tables must add up to. Sizes of takers by market key and side; amounts in the protocols' own units. */
export type Totals = {
  logs: number;
  logsByName: Readonly<Record<string, number>>;
  trades: number;
  perp: { deposited: bigint; realized: bigint };
  synthetix: { transferred: bigint; margin: bigint };
  sizes: readonly { market: Hex; long: bigint; short: bigint; open: number }[];
};

type Scene = {
  options: WorkloadOptions;
  prices: PriceFeeds;
  perp: PerpSession;
  synthetix: SynthetixSession;
  cast: Cast;
};

/** Generates history and live blocks. The same options give the same blocks. */
export function createWorkload(options: WorkloadOptions): Workload {
  const before = (BigInt(options.blocks) * BEFORE_MIDNIGHT.numerator) / BEFORE_MIDNIGHT.denominator;
  const start = MIDNIGHT_SECONDS - before * BLOCK_SECONDS;
  const prices = createPrices(options);
  const perp = new PerpSession(prices);
  const synthetix = new SynthetixSession(prices, start);
  const cast = createCast(options.accounts, { prices, perp, synthetix });
  const scene = { options, prices, perp, synthetix, cast };
  const timestampOf = (index: number) => start + BigInt(index) * BLOCK_SECONDS;
  const history: BlockPlan[] = [firstBlock(scene, start)];
  for (let index = 1; index < options.blocks; index++) {
    history.push(tradingBlock(scene, { index, timestamp: timestampOf(index), logs: options.logsPerBlock }));
  }
  const totals = totalsOf(scene, history);
  for (let index = options.blocks; index < options.blocks + TAIL_BLOCKS; index++) {
    history.push(blockOf(scene, { index, timestamp: timestampOf(index), transactions: [] }));
  }
  const live: BlockPlan[] = [];
  for (let i = 0; i < options.liveBlocks; i++) {
    const index = options.blocks + TAIL_BLOCKS + i;
    live.push(tradingBlock(scene, { index, timestamp: timestampOf(index), logs: options.liveLogsPerBlock }));
  }
  return { options, history, live, totals };
}

function firstBlock(scene: Scene, timestamp: bigint): BlockPlan {
  const { prices, perp, synthetix } = scene;
  const taught = [...perpAnswers(perp, { prices, timestamp }), ...synthetixAnswers(synthetix, timestamp)];
  const transactions = [prices.step({ index: 0, timestamp }), ...perp.open(), ...synthetix.open()];
  return { number: BigInt(FIRST_BLOCK), timestamp, taught, transactions };
}

/** Prices, arbitrage, liquidations, and then as many actions as give the block its logs. */
function tradingBlock(scene: Scene, at: { index: number; timestamp: bigint; logs: number }): BlockPlan {
  const { index, timestamp } = at;
  const { options, prices, perp, cast } = scene;
  const random = randomFor(options.seed, "block", index);
  const transactions: LogSpec[][] = [prices.step({ index, timestamp })];
  let count = (transactions[0] as LogSpec[]).length;
  const add = (...sent: LogSpec[][]) => {
    for (const logs of sent) {
      if (logs.length === 0) continue;
      transactions.push(logs);
      count += logs.length;
    }
  };
  add(...arbitrage(scene, timestamp), ...cast.liquidations({ index, timestamp, random }));
  if (index % MAKER_COLLECTS_EVERY === 0) {
    for (const { underlier } of perp.markets) add(perp.collect(underlier, timestamp));
  }
  while (count < at.logs) add(...cast.act(random, timestamp));
  return blockOf(scene, { index, timestamp, transactions });
}

/** At an epoch's last block the indexer compares open interest with storage, so storage must hold it by then. */
function blockOf(
  { synthetix }: Scene,
  { index, timestamp, transactions }: { index: number; timestamp: bigint; transactions: LogSpec[][] },
): BlockPlan {
  const number = BigInt(FIRST_BLOCK + index);
  const endsEpoch = (number + 1n) % BigInt(chainDeployment().epochBlocks) === 0n;
  return { number, timestamp, taught: endsEpoch ? totalsNow(synthetix) : [], transactions };
}

const ARBITRAGEUR = accountOf(-4);
const ARBITRAGE_CAPITAL = 1_000_000_000n * WAD;

function arbitrage({ prices, perp }: Scene, timestamp: bigint): LogSpec[][] {
  const sent: LogSpec[][] = [];
  if (!perp.accounts.has(ARBITRAGEUR)) sent.push(perp.deposit(ARBITRAGEUR, ARBITRAGE_CAPITAL));
  for (const { underlier, pool } of perp.markets) {
    const [price, index] = [priceOf(pool), prices.price(underlier)];
    const gap = price > index ? price - index : index - price;
    if (gap * 1000n < index * ARBITRAGE_PER_MILLE) continue;
    sent.push(perp.trade(ARBITRAGEUR, underlier, { base: baseTo(pool, index), timestamp }));
  }
  return sent;
}

function totalsOf({ perp, synthetix }: Scene, blocks: readonly BlockPlan[]): Totals {
  const logsByName: Record<string, number> = {};
  let logs = 0;
  for (const { transactions } of blocks) {
    for (const { name } of transactions.flat()) {
      logsByName[name] = (logsByName[name] ?? 0) + 1;
      logs++;
    }
  }
  let margin = 0n;
  for (const { positions } of synthetix.markets) for (const p of positions.values()) margin += p.margin;
  const { deposited, realized } = perp.totals;
  return {
    logs,
    logsByName,
    trades: perp.totals.trades + synthetix.totals.trades,
    perp: { deposited, realized },
    synthetix: { transferred: synthetix.totals.transferred, margin },
    sizes: [...perpSizes(perp), ...synthetix.markets.map((m) => sizesOf(m.address, [...m.positions.values()]))],
  };
}

function perpSizes(perp: PerpSession): Totals["sizes"][number][] {
  return UNDERLIERS.map(({ underlier }) => {
    const positions = [...perp.accounts.values()].flatMap((a) => a.positions.get(underlier) ?? []);
    return sizesOf(baseTokenOf(underlier), positions);
  });
}

function sizesOf(market: Hex, positions: readonly { size: bigint }[]): Totals["sizes"][number] {
  const sums = { long: 0n, short: 0n, open: 0 };
  for (const { size } of positions) {
    if (size === 0n) continue;
    if (size > 0n) sums.long += size;
    else sums.short -= size;
    sums.open++;
  }
  return { market, ...sums };
}

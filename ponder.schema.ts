import { sql } from "drizzle-orm";
import { integer, text } from "drizzle-orm/pg-core";
import { bigint, index, onchainTable, onchainView } from "ponder";

/**
 * The indexer's tables. All of them are a function of chain data, deployment, rulebook and code, and roll back with the
 * chain. `event`, `price` and `reading` are append-only and complete: the book at any block is their fold. Everything
 * else is a projection. Money is an integer with `decimals` digits in `unit`; a figure nobody can know is null, and
 * `reason` says why. Every key starts with the chain.
 */
export const protocol = onchainTable("protocol", (t) => ({
  id: t.text().primaryKey(),
  chain: t.text().notNull(),
  name: t.text().notNull(),
  marginMode: t.text().notNull(),
  unit: t.text().notNull(),
  decimals: t.integer().notNull(),
  startBlock: t.bigint().notNull(),
  deploymentHash: t.text().notNull(),
  rulebookHash: t.text().notNull(),
  kernel: t.text().notNull(),
}));

export const market = onchainTable(
  "market",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    protocol: t.text().notNull(),
    key: t.text().notNull(),
    symbol: t.text().notNull(),
    kind: t.text().notNull(),
    payoff: t.text().notNull(),
    underlier: t.text().notNull(),
    underlierClass: t.text().notNull(),
    status: t.text().notNull(),
    markPrice: t.bigint(),
    indexPrice: t.bigint(),
    openInterestLong: t.bigint(),
    openInterestShort: t.bigint(),
    openInterestTotal: t.bigint(),
    skew: t.bigint(),
    fundingRate: t.bigint(),
    liquidatableNow: t.bigint(),
    badDebt: t.bigint(),
    oiReconDiff: t.bigint(),
    oiReconReason: t.text(),
    oiReconBlock: t.bigint(),
    unit: t.text().notNull(),
    decimals: t.integer().notNull(),
    reason: t.text(),
    blockNumber: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
  }),
  (table) => ({ chainIndex: index().on(table.chain) }),
);

export const account = onchainTable(
  "account",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    address: t.text().notNull(),
    grossNotional: t.bigint(),
    netEquity: t.bigint(),
    leverage: t.bigint(),
    positionCount: t.integer().notNull(),
    unit: t.text().notNull(),
    decimals: t.integer().notNull(),
    reason: t.text(),
    blockNumber: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
  }),
  (table) => ({ chainIndex: index().on(table.chain), addressIndex: index().on(table.address) }),
);

export const position = onchainTable(
  "position",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    protocol: t.text().notNull(),
    market: t.text().notNull(),
    account: t.text().notNull(),
    epoch: t.integer().notNull(),
    marginMode: t.text().notNull(),
    isMaker: t.boolean().notNull(),
    side: t.text().notNull(),
    size: t.bigint().notNull(),
    takerSize: t.bigint().notNull(),
    delta: t.bigint(),
    entryPrice: t.bigint(),
    markPrice: t.bigint(),
    notional: t.bigint(),
    unrealizedPnl: t.bigint(),
    fundingAccrued: t.bigint(),
    collateral: t.bigint(),
    equity: t.bigint(),
    maintenanceMargin: t.bigint(),
    marginRatio: t.bigint(),
    marginShortfall: t.bigint(),
    leverage: t.bigint(),
    openingLeverage: t.bigint(),
    liquidationPrice: t.bigint(),
    liquidationPriceReason: t.text(),
    liquidationDistance: t.bigint(),
    unit: t.text().notNull(),
    decimals: t.integer().notNull(),
    reason: t.text(),
    openedAtBlock: t.bigint().notNull(),
    closedAtBlock: t.bigint(),
    blockNumber: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
  }),
  (table) => ({ accountIndex: index().on(table.account), marketIndex: index().on(table.market) }),
);

export const event = onchainTable(
  "event",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    protocol: t.text().notNull(),
    kind: t.text().notNull(),
    name: t.text().notNull(),
    address: t.hex().notNull(),
    market: t.text(),
    account: t.text(),
    sizeDelta: t.bigint(),
    price: t.bigint(),
    amount: t.bigint(),
    asset: t.text(),
    fee: t.bigint(),
    payload: t.json().notNull(),
    blockNumber: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
    txHash: t.hex().notNull(),
    txIndex: t.integer().notNull(),
    logIndex: t.integer().notNull(),
  }),
  (table) => ({ accountIndex: index().on(table.account), marketIndex: index().on(table.market) }),
);

/** Logs that Ponder decoded and an adapter did not understand, kept with their transaction. */
export const undecoded = onchainTable("undecoded", (t) => ({
  id: t.text().primaryKey(),
  chain: t.text().notNull(),
  protocol: t.text().notNull(),
  address: t.hex().notNull(),
  name: t.text().notNull(),
  reason: t.text().notNull(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  txHash: t.hex().notNull(),
  logIndex: t.integer().notNull(),
}));

export const price = onchainTable("price", (t) => ({
  id: t.text().primaryKey(),
  chain: t.text().notNull(),
  chainId: t.integer().notNull(),
  pair: t.text().notNull(),
  aggregator: t.hex().notNull(),
  answer: t.bigint().notNull(),
  decimals: t.integer().notNull(),
  roundId: t.bigint().notNull(),
  updatedAt: t.bigint().notNull(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  blockTimestamp: t.bigint().notNull(),
  txHash: t.hex().notNull(),
  txIndex: t.integer().notNull(),
  logIndex: t.integer().notNull(),
}));

export const reading = onchainTable("reading", (t) => ({
  id: t.text().primaryKey(),
  chain: t.text().notNull(),
  chainId: t.integer().notNull(),
  protocol: t.text().notNull(),
  key: t.text().notNull(),
  address: t.hex().notNull(),
  functionName: t.text().notNull(),
  args: t.json().notNull(),
  result: t.json(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  blockTimestamp: t.bigint().notNull(),
  logIndex: t.integer().notNull(),
  ordinal: t.integer().notNull(),
}));

/** `measured` is the plain decimal number, next to the rule's `threshold`; `measuredValue` the integer behind it. */
export const assessment = onchainTable(
  "assessment",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    protocol: t.text().notNull(),
    subject: t.text().notNull(),
    account: t.text(),
    ruleId: t.text().notNull(),
    rulebookHash: t.hex().notNull(),
    deploymentHash: t.hex().notNull(),
    kernel: t.text().notNull(),
    testPoint: t.text().notNull(),
    condition: t.text().notNull(),
    metric: t.text().notNull(),
    inputs: t.json().notNull(),
    measured: t.text(),
    measuredValue: t.bigint(),
    decimals: t.integer().notNull(),
    operator: t.text().notNull(),
    threshold: t.text().notNull(),
    unit: t.text().notNull(),
    reason: t.text(),
    blockNumber: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
    recordedBlock: t.bigint().notNull(),
    ordinal: t.integer().notNull(),
  }),
  (table) => ({
    feedIndex: index().on(table.chainId, table.recordedBlock),
    subjectIndex: index().on(table.subject),
    ruleIndex: index().on(table.ruleId),
  }),
);

export const epochRoot = onchainTable(
  "epoch_root",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    number: t.bigint().notNull(),
    fromBlock: t.bigint().notNull(),
    toBlock: t.bigint().notNull(),
    blockHash: t.hex().notNull(),
    stateRoot: t.hex().notNull(),
    stateCount: t.integer().notNull(),
    assessmentRoot: t.hex().notNull(),
    assessmentCount: t.integer().notNull(),
    collateralRoot: t.hex().notNull(),
    collateralCount: t.integer().notNull(),
    rulebookHash: t.hex().notNull(),
    deploymentHash: t.hex().notNull(),
    kernel: t.text().notNull(),
  }),
  (table) => ({ blockIndex: index().on(table.chainId, table.toBlock) }),
);

/**
 * The leaves of an epoch's trees that are new or changed since the epoch before, one a row, in the order of `ordinal`: by
 * tree, then by raw bytes of the key. `state` is null when the leaf is gone.
 */
export const epochLeaf = onchainTable(
  "epoch_leaf",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    number: t.bigint().notNull(),
    toBlock: t.bigint().notNull(),
    ordinal: t.integer().notNull(),
    tree: t.text().notNull(),
    key: t.text().notNull(),
    state: t.json(),
  }),
  (table) => ({
    blockIndex: index().on(table.chainId, table.toBlock),
    // The order of pages: within a tree by raw bytes of the key, and the last version of a leaf first.
    keyIndex: index("epoch_leaf_key_index").on(
      ...[table.chainId, table.tree, sql`${table.key} COLLATE "C"`, table.toBlock.desc().nullsFirst()],
    ),
  }),
);

/**
 * The sums of an epoch over all accounts of a protocol, by asset, with 18 decimals: what they hold of it, and what the
 * protocol requires of them in it, where that is known. Of `unknown` accounts it is not.
 */
export const epochCollateral = onchainTable(
  "epoch_collateral",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    number: t.bigint().notNull(),
    toBlock: t.bigint().notNull(),
    protocol: t.text().notNull(),
    asset: t.text().notNull(),
    accounts: t.integer().notNull(),
    held: t.bigint().notNull(),
    required: t.bigint().notNull(),
    unknown: t.integer().notNull(),
    decimals: t.integer().notNull(),
    root: t.hex().notNull(),
  }),
  (table) => ({ blockIndex: index().on(table.chainId, table.toBlock) }),
);

/** When a chain's exposures were struck: the chain's last block with a timestamp at or before `gridTime`. */
export const strike = onchainTable("strike", (t) => ({
  id: t.text().primaryKey(),
  chain: t.text().notNull(),
  gridTime: t.bigint().notNull(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  blockTimestamp: t.bigint().notNull(),
}));

/** One owner's exposure to one underlier through one protocol of one chain, in USD with 18 decimals. */
export const exposure = onchainTable(
  "exposure",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    gridTime: t.bigint().notNull(),
    owner: t.text().notNull(),
    address: t.text().notNull(),
    protocol: t.text().notNull(),
    underlier: t.text().notNull(),
    gross: t.bigint(),
    net: t.bigint(),
    delta: t.bigint(),
    reason: t.text(),
  }),
  (table) => ({ gridIndex: index().on(table.chain, table.gridTime), ownerIndex: index().on(table.owner) }),
);

/** The last block the book of a chain has begun; compared with the book in memory before every block. */
export const stamp = onchainTable("stamp", (t) => ({
  chainId: t.integer().primaryKey(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
}));

/**
 * Whole blocks of the feed: a block stands here when its end has been reached. `closed` lists positions gone flat. The
 * last table, because Ponder writes tables in this order and on PGlite without a transaction around them: where a block
 * stands, all its rows do.
 */
export const block = onchainTable(
  "block",
  (t) => ({
    id: t.text().primaryKey(),
    chain: t.text().notNull(),
    chainId: t.integer().notNull(),
    number: t.bigint().notNull(),
    hash: t.hex().notNull(),
    parentHash: t.hex().notNull(),
    timestamp: t.bigint().notNull(),
    closed: t.json().notNull(),
  }),
  (table) => ({ numberIndex: index().on(table.chainId, table.number) }),
);

/**
 * Gross and net exposure of one beneficial owner over all chains and protocols, at the latest grid time that every chain
 * has struck, with the vector of blocks it was struck at. One underlier in one protocol is a netting set; nothing nets
 * across them. One unknown part makes the whole unknown. Ponder forms plurals with a bare "s", hence the name.
 */
export const counterpartie = onchainView("counterparty", {
  id: text("id"),
  address: text("address"),
  gridTime: bigint("grid_time"),
  grossExposure: bigint("gross_exposure"),
  netExposure: bigint("net_exposure"),
  chainCount: integer("chain_count"),
  protocolCount: integer("protocol_count"),
  unit: text("unit"),
  decimals: integer("decimals"),
  blocks: text("blocks"),
}).as(sql`
  with common as (
    select min(latest) as t from (select max(${strike.gridTime}) as latest from ${strike} group by ${strike.chain}) s
  ), at_time as (
    select ${strike.chain} as chain, max(${strike.gridTime}) as t from ${strike}, common
    where ${strike.gridTime} <= common.t group by ${strike.chain}
  ), vector as (
    select string_agg(${strike.chain} || '@' || ${strike.blockNumber}::text || ':' || ${strike.blockHash}, ' '
      order by ${strike.chain}) as blocks
    from ${strike} join at_time on at_time.chain = ${strike.chain} and at_time.t = ${strike.gridTime}
  ), held as (
    select ${exposure.owner} as owner, ${exposure.address} as address, ${exposure.chain} as chain,
      ${exposure.protocol} as protocol, ${exposure.gross} as gross, ${exposure.net} as net
    from ${exposure} join at_time on at_time.chain = ${exposure.chain} and at_time.t = ${exposure.gridTime}
  ), totals as (
    select owner, case when bool_or(gross is null) then null else sum(gross) end as gross,
      case when bool_or(net is null) then null else sum(net) end as net
    from held group by owner
  ), counts as (
    select owner, min(address) as address, count(distinct chain)::integer as chains,
      count(distinct protocol)::integer as protocols
    from held group by owner
  )
  select counts.owner as id, counts.address as address, (select t from common) as grid_time,
    totals.gross as gross_exposure, totals.net as net_exposure, counts.chains as chain_count,
    counts.protocols as protocol_count, 'USD' as unit, 18 as decimals, (select blocks from vector) as blocks
  from counts join totals on totals.owner = counts.owner
`);

/** Rows of the indexer's tables with made-up content: every column filled, nothing computed. */
import type { Hex } from "../../../src/core/ids.ts";
import type { Block } from "../../../src/indexing/ponder.ts";
import type { Held } from "./touched.ts";

type At = { chain: { id: number }; block: Block };

const UNIT = { unit: "USD", decimals: 18, reason: null };

export function chainKey(chainId: number): string {
  return `eip155:${chainId}`;
}

export function blockColumns({ number, hash, timestamp }: Block) {
  return { blockNumber: number, blockHash: hash, blockTimestamp: timestamp };
}

export function marketRow(key: string, { chain, block }: At) {
  const product = { kind: "PERPETUAL", payoff: "LINEAR", underlier: "ETH", underlierClass: "crypto", status: "OPEN" };
  const interest = { openInterestLong: block.number, openInterestShort: block.number, openInterestTotal: block.number };
  return {
    ...{
      id: `${chainKey(chain.id)}/${key}`,
      chain: chainKey(chain.id),
      protocol: chainKey(chain.id),
      key,
      symbol: key,
    },
    ...product,
    ...interest,
    ...{ markPrice: block.timestamp, indexPrice: block.timestamp, skew: block.number, fundingRate: block.number },
    ...{ liquidatableNow: 0n, badDebt: 0n, oiReconDiff: null, oiReconReason: null, oiReconBlock: null },
    ...UNIT,
    ...blockColumns(block),
  };
}

export function accountRow(address: string, { chain, block }: At) {
  const figures = { grossNotional: block.number, netEquity: block.number, leverage: block.number, positionCount: 1 };
  const id = `${chainKey(chain.id)}:${address}`;
  return { id, chain: chainKey(chain.id), address, ...figures, ...UNIT, ...blockColumns(block) };
}

export function positionRow({ market, account, epoch, size }: Held, { chain, block }: At) {
  const prices = { entryPrice: block.timestamp, markPrice: block.timestamp, liquidationPrice: block.timestamp };
  const money = { notional: block.number, unrealizedPnl: block.number, fundingAccrued: block.number };
  const margin = { collateral: block.number, equity: block.number, maintenanceMargin: block.number };
  const ratios = { marginRatio: block.number, marginShortfall: 0n, leverage: block.number, openingLeverage: null };
  return {
    ...{ id: `${chainKey(chain.id)}/${market}/${account}/${epoch}`, chain: chainKey(chain.id), epoch },
    ...{ protocol: chainKey(chain.id), market, account: `${chainKey(chain.id)}:${account}`, marginMode: "CROSS" },
    ...{ isMaker: false, side: size > 0n ? "long" : size < 0n ? "short" : "flat" },
    ...{ size: size < 0n ? -size : size, takerSize: size, delta: size },
    ...prices,
    ...money,
    ...margin,
    ...ratios,
    ...{ liquidationPriceReason: null, liquidationDistance: block.number },
    ...{ openedAtBlock: block.number, closedAtBlock: size === 0n ? block.number : null },
    ...UNIT,
    ...blockColumns(block),
  };
}

export function assessmentRow(ordinal: number, { chain, block }: At) {
  const id = `${block.hash.slice(2, 58)}${ordinal.toString(16).padStart(8, "0")}`;
  const subject = `${chainKey(chain.id)}/${block.hash}`;
  const versions = { rulebookHash: block.hash, deploymentHash: block.hash, kernel: "none" };
  const rule = { ruleId: "NONE", ...versions, testPoint: "end", condition: "met" };
  const result = { measured: "1.0", measuredValue: block.number, decimals: 18, unit: "ratio", reason: null };
  return {
    ...{ id, chain: chainKey(chain.id), chainId: chain.id, protocol: chainKey(chain.id), subject, account: subject },
    ...rule,
    ...{ metric: "NONE", inputs: { value: "1" }, operator: "<=", threshold: "1" },
    ...result,
    ...blockColumns(block),
    ...{ recordedBlock: block.number, ordinal },
  };
}

export function readingRow(ordinal: number, { chain, block }: At) {
  const address = "0x0000000000000000000000000000000000000000" as Hex;
  return {
    ...{ id: `${block.hash}/${ordinal}`, chain: chainKey(chain.id), chainId: chain.id, protocol: "none", key: "none" },
    ...{ address, functionName: "none", args: [], result: ["1"], logIndex: 0, ordinal },
    ...blockColumns(block),
  };
}

import { decodeEventLog, decodeFunctionData, decodeFunctionResult } from "viem";
import { beforeAll, describe, expect, it } from "vitest";
import { createFolder, type Folder, sumRows } from "../../../bench/fold.ts";
import { quantile } from "../../../bench/live.ts";
import { createEncoder, encodeAnswer, type LogSpec } from "../../../bench/workload/log.ts";
import { chainDeployment, FIRST_BLOCK } from "../../../bench/workload/setting.ts";
import { type BlockPlan, createWorkload, QUICK, type Workload } from "../../../bench/workload/workload.ts";
import { compileRuntime, runtimeCode } from "../../../contracts/bench/compile.ts";
import { ADAPTERS } from "../../../src/adapters/catalogue.ts";
import { InvariantError } from "../../../src/core/errors.ts";
import type { BlockRef } from "../../../src/core/event.ts";
import type { Hex } from "../../../src/core/ids.ts";

/** Long enough for an epoch's end, where open interest is compared with storage. */
const OPTIONS = { ...QUICK, accounts: 120, blocks: 256, logsPerBlock: 12, liveBlocks: 3 };

/** Base units that rounding in the maker's favour may cost, one a swap. */
const ROUNDING = 10_000n;

const hashOf = (number: bigint): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const refOf = ({ number, timestamp }: BlockPlan): BlockRef => ({
  number,
  timestamp,
  hash: hashOf(number),
  parentHash: hashOf(number - 1n),
});

let workload: Workload;
let folder: Folder;
let rows: ReturnType<typeof sumRows>;
let last: BlockPlan;

beforeAll(async () => {
  workload = createWorkload(OPTIONS);
  folder = createFolder();
  const counts = [];
  for (const plan of workload.history) counts.push((await folder.fold(plan, refOf(plan))).rows);
  rows = sumRows(counts);
  last = workload.history.at(-1) as BlockPlan;
}, 60_000);

describe("the generated chain", () => {
  it("is a function of its options", () => {
    const small = { ...OPTIONS, blocks: 20 };
    const text = (seed: number) => JSON.stringify(createWorkload({ ...small, seed }).live, withIntegers);
    expect(text(1)).toBe(text(1));
    expect(text(2)).not.toBe(text(1));
  });

  it("has a price and its share of logs in every block, and both ways of margin", () => {
    for (const { transactions } of workload.history.slice(1, OPTIONS.blocks)) {
      const names = transactions.flat().map((log) => log.name);
      expect(names).toContain("AnswerUpdated");
      expect(names.length).toBeGreaterThanOrEqual(OPTIONS.logsPerBlock);
    }
    const { logsByName } = workload.totals;
    for (const name of ["PositionChanged", "PositionModified", "PositionLiquidated", "LiquidityChanged", "Withdrawn"]) {
      expect(logsByName[name]).toBeGreaterThan(0);
    }
  });

  it("is encoded as the protocols' own ABIs decode it", () => {
    const encode = createEncoder();
    const abis = new Map(ADAPTERS.flatMap((a) => a.sources(chainDeployment()).map((s) => [s.name, s.abi])));
    const specs = new Map(logsOf(workload.history).map((log) => [`${log.source}.${log.name}`, log]));
    expect(specs.size).toBeGreaterThan(15);
    for (const { source, name, args } of specs.values()) {
      const { topics, data } = encode({ source, name, address: "0x", args });
      const decoded = decodeEventLog({ abi: abis.get(source) ?? [], topics: topics as [Hex], data });
      expect(decoded.eventName).toBe(name);
      expect(texts(decoded.args as unknown as LogSpec["args"])).toEqual(texts(args));
    }
  });

  it("teaches answers that decode", () => {
    const { taught } = workload.history[0] as BlockPlan;
    expect(taught.length).toBeGreaterThan(50);
    for (const answer of taught) {
      const { abi, functionName } = answer;
      const { question, result } = encodeAnswer(answer);
      expect(decodeFunctionData({ abi, data: question }).functionName).toBe(functionName);
      expect(() => decodeFunctionResult({ abi, functionName, data: result })).not.toThrow();
    }
  });
});

describe("the production adapters and book", () => {
  it("take every log", () => {
    expect(rows.events + rows.prices).toBe(workload.totals.logs);
    expect(rows.assessments).toBeGreaterThan(workload.totals.trades);
  });

  it("know every price and hold the sizes the model holds", () => {
    for (const { market, long, short } of workload.totals.sizes) {
      const venue = folder.book.venues.find((v) => v.model.marketKeys().includes(market));
      const found = venue?.model.market(market, last.timestamp);
      expect(found?.markPrice.value).toBeGreaterThan(0n);
      if (venue?.model.book === "pool") expect([found?.longSize, found?.shortSize]).toEqual([long, short]);
      else expect(distance(found?.longSize, found?.shortSize)).toBeLessThan(ROUNDING);
    }
  });

  it("find the open interest that storage holds at the end of an epoch", () => {
    const venue = folder.book.venues.find((v) => v.config.protocol === "synthetix-perps-v2");
    expect(venue).toBeDefined();
    if (venue === undefined) return;
    for (const key of venue.model.marketKeys()) {
      const row = folder.book.projection.market(key, { venue, block: refOf(last) });
      expect(row.oiReconDiff).toBe(0n);
    }
  });

  it("refuse a swap whose liquidity is not the pool's, so the self-checks have teeth", async () => {
    const other = createFolder();
    const index = workload.history.findIndex((plan, i) => i > 0 && logsOf([plan]).some((log) => log.name === "Swap"));
    for (const plan of workload.history.slice(0, index)) await other.fold(plan, refOf(plan));
    const plan = workload.history[index] as BlockPlan;
    const transactions = plan.transactions.map((logs) => logs.map(withMoreLiquidity));
    await expect(other.fold({ ...plan, transactions }, refOf(plan))).rejects.toThrow(InvariantError);
  });
});

describe("the bench's parts", () => {
  it("commits the code its contracts compile to", () => {
    for (const name of ["Director", "Emitter"] as const) expect(runtimeCode(name)).toBe(compileRuntime(name));
  });

  it("starts where the deployment starts", () => {
    expect(workload.history[0]?.number).toBe(BigInt(FIRST_BLOCK));
    expect(chainDeployment()).toMatchObject({ startBlock: FIRST_BLOCK, tickBlocks: 10 });
  });

  it("takes quantiles by rank", () => {
    const values = Array.from({ length: 20 }, (_, i) => 20 - i);
    expect([quantile(values, 0.5), quantile(values, 0.95), quantile(values, 1)]).toEqual([10, 19, 20]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

function logsOf(plans: readonly BlockPlan[]): LogSpec[] {
  return plans.flatMap((plan) => plan.transactions.flat());
}

function withMoreLiquidity(log: LogSpec): LogSpec {
  if (log.name !== "Swap") return log;
  return { ...log, args: { ...log.args, liquidity: (log.args.liquidity as bigint) + 1n } };
}

function distance(a = 0n, b = 0n): bigint {
  return a > b ? a - b : b - a;
}

function texts(args: LogSpec["args"]): Record<string, string> {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, String(value).toLowerCase()]));
}

function withIntegers(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

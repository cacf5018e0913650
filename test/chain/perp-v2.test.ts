import type { Abi } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ARITHMETIC, type Arithmetic } from "../../src/adapters/perp-v2/arithmetic.ts";
import { PerpV2Model } from "../../src/adapters/perp-v2/model.ts";
import { priceX96, wadToX96, x96ToWad } from "../../src/adapters/perp-v2/tick-math.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { divDown } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import { answerEpoch, comparePerpCustody } from "../parity/custody.ts";
import { comparePerpV2 } from "../parity/perp-v2.ts";
import { createReplay, markOf, type Replay, type ReplayClient } from "../parity/replay.ts";
import type { Compared } from "../parity/synthetix.ts";
import { type PerpSession, startPerpSession } from "./perp-v2-session.ts";

const SEED = Number(process.env.PLUMBLINE_SEED ?? 1);
const STEPS = Number(process.env.PLUMBLINE_STEPS ?? 70);

/** Formulas that look right. Each must be caught by comparing equity, requirement, funding and mark price. */
const MUTANTS: Readonly<Record<string, Partial<Arithmetic>>> = {
  "first leg of the mark price averaged over 15 s, as later versions do": { spotSeconds: 15n },
  "averaged tick rounded down instead of toward zero": { averageTick: (sum, seconds) => divDown(sum, seconds) },
  "funding on the event's 18-decimal average": { fundingPriceX96: (sqrt) => wadToX96(x96ToWad(priceX96(sqrt))) },
};

let session: PerpSession;
let client: ReplayClient;

beforeAll(async () => {
  session = await startPerpSession(SEED);
  client = session.kit.client as unknown as ReplayClient;
});

afterAll(async () => {
  await session?.anvil.stop();
});

function replayWith(arithmetic: Partial<Arithmetic> = {}): Replay {
  return createReplay({
    client,
    chain: session.chain,
    protocol: "perp-v2",
    createModel: ({ config, feeds, journal }) =>
      new PerpV2Model({ config, feeds, journal, arithmetic: { ...ARITHMETIC, ...arithmetic } }),
  });
}

function add(total: Compared, more: Compared): void {
  total.compared += more.compared;
  total.nonZero += more.nonZero;
  total.mismatches.push(...more.mismatches);
}

const CAPACITY = [
  {
    type: "function",
    name: "getInsuranceFundCapacity",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "int256" }],
  },
] as const;

/** Reads what an epoch's end reads, and compares the fund with the contract's own view of what it can pay. */
async function compareFund({ model }: Replay): Promise<Compared> {
  const block = await session.kit.blockNumber();
  const config = session.chain.protocols[0];
  if (config === undefined) throw new InvariantError("The session has Perp v2.");
  await answerEpoch({ client, chain: session.chain, model, block });
  const fund = { address: config.contracts.InsuranceFund as Hex, abi: CAPACITY as unknown as Abi, args: [] };
  const call = { ...fund, functionName: "getInsuranceFundCapacity", blockNumber: block };
  const capacity = (await client.readContract(call)) as bigint;
  const { timestamp } = await client.getBlock({ blockNumber: block });
  const stated = model.absorbers(timestamp).fund.value;
  const [ours, theirs] = [String(stated), String(capacity * 10n ** 12n)];
  const mismatch = { figure: "insurance fund", market: "", account: null, block, ours, theirs };
  const mismatches = ours === theirs ? [] : [mismatch];
  return { compared: 1, nonZero: capacity === 0n ? 0 : 1, mismatches };
}

const nothing = (): Compared => ({ compared: 0, nonZero: 0, mismatches: [] });

describe("Perp v2 on its own bytecode", () => {
  it("agrees with every view to the wei, takers and makers, and catches wrong formulas", async () => {
    const [total, fund, custody] = [nothing(), nothing(), nothing()];
    const replay = replayWith();
    const mutants = Object.entries(MUTANTS).map(([name, m]) => ({ name, replay: replayWith(m), total: nothing() }));
    const compare = async (of: Replay, everything: boolean): Promise<Compared> => {
      const block = await session.kit.blockNumber();
      await of.advance(block);
      const model = of.model as PerpV2Model;
      return comparePerpV2({ client, deployment: session.chain, model, block, everything });
    };
    const look = async (): Promise<void> => {
      add(total, await compare(replay, true));
      add(fund, await compareFund(replay));
      const block = await session.kit.blockNumber();
      add(custody, await comparePerpCustody({ client, chain: session.chain, model: replay.model, block }));
      for (const mutant of mutants) {
        if (mutant.total.mismatches.length === 0) add(mutant.total, await compare(mutant.replay, true));
      }
    };
    for (let i = 0; i < STEPS; i++) {
      await session.step();
      if (i % 3 === 0) await look();
    }
    await session.distress(look);
    await session.closeMarket(look);

    expect(total.mismatches).toEqual([]);
    expect(fund.mismatches).toEqual([]);
    expect(fund.nonZero).toBeGreaterThan(10);
    expect(custody.mismatches).toEqual([]);
    expect(custody.nonZero).toBeGreaterThan(100);
    expect(replay.rejected).toEqual([]);
    expect(total.nonZero).toBeGreaterThan(2_000);
    for (const mutant of mutants) expect(mutant.total.mismatches, mutant.name).not.toEqual([]);
    for (const kind of [
      "open",
      "addLiquidity",
      "removeLiquidity",
      "liquidate",
      "liquidateCollateral",
      "crowd",
      "quitMarket",
    ]) {
      expect(session.done[kind], kind).toBeGreaterThan(0);
    }
    expect((replay.model as PerpV2Model).protocolBadDebt()).toBeGreaterThan(0n);
  });

  it("restores every state exactly when blocks are undone", async () => {
    const head = await session.kit.blockNumber();
    const replay = replayWith();
    const states = new Map<bigint, string>();
    const all = (): string => {
      const { model } = replay;
      const accounts = model.addresses().map((a) => [a, model.accountState(a), [...model.holders(a)]]);
      const now = 1_900_000_000n;
      const markets = model.marketKeys().map((k) => [k, model.marketState(k), [...model.holders(k)].sort()]);
      const figures = [
        model.addresses().map((a) => model.account(a, now)),
        model.marketKeys().map((k) => model.market(k, now)),
      ];
      return JSON.stringify([accounts, markets, figures], (_, v) => (typeof v === "bigint" ? v.toString() : v));
    };
    const stops = [head / 3n, head / 2n, (head * 3n) / 4n];
    for (const stop of stops) {
      await replay.advance(stop);
      states.set(stop, all());
    }
    await replay.advance(head);
    for (const stop of [...stops].reverse()) {
      replay.journal.undoTo(markOf(stop));
      expect(all()).toBe(states.get(stop));
    }
  });
});

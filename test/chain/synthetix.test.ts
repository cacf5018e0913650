import { stringToHex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setPrice } from "../../devnet/synthetix.ts";
import { actionsOf } from "../../devnet/synthetix-actions.ts";
import {
  ARITHMETIC,
  type Arithmetic,
  divideDecimal,
  fundingAt,
} from "../../src/adapters/synthetix-perps-v2/arithmetic.ts";
import { createSynthetixPerpsV2 } from "../../src/adapters/synthetix-perps-v2/model.ts";
import { PROTOCOL } from "../../src/adapters/synthetix-perps-v2/sources.ts";
import { WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { CreateModel } from "../../src/core/margin-model.ts";
import { answerEpoch, compareSynthetixCustody } from "../parity/custody.ts";
import { createReplay, type Replay, type ReplayClient } from "../parity/replay.ts";
import { type Compared, compareSynthetix } from "../parity/synthetix.ts";
import { type Session, startSession } from "./synthetix-session.ts";

const SEED = Number(process.env.PLUMBLINE_SEED ?? 3);
const STEPS = 60;

/** Funding with the day divided out at the end instead of at the beginning: finer, and not the contract's. */
const LATE: Arithmetic = {
  ...ARITHMETIC,
  fundingAt(entry, now) {
    const real = fundingAt(entry, now);
    const elapsed = now.timestamp - entry.timestamp;
    const rate = entry.rate + (real.velocity * elapsed) / 86_400n;
    const average = divideDecimal(-(entry.rate + rate), 2n * WAD);
    const unrecorded = (average * elapsed * now.price) / 86_400n / WAD;
    return { ...real, rate, unrecorded, nextEntry: entry.value + unrecorded };
  },
};

let session: Session;
let client: ReplayClient;

beforeAll(async () => {
  session = await startSession(SEED);
  client = session.kit.client as unknown as ReplayClient;
});

afterAll(async () => {
  await session?.anvil.stop();
});

function add(total: Compared, more: Compared): void {
  total.compared += more.compared;
  total.nonZero += more.nonZero;
  total.mismatches.push(...more.mismatches);
}

function replayWith(createModel?: CreateModel): Replay {
  return createReplay({ client, chain: session.chain, protocol: PROTOCOL, ...(createModel ? { createModel } : {}) });
}

describe("Synthetix v2 perps on its own bytecode", () => {
  it("agrees with every view to the wei, and catches funding truncated late", async () => {
    const total: Compared = { compared: 0, nonZero: 0, mismatches: [] };
    const mutated: Compared = { compared: 0, nonZero: 0, mismatches: [] };
    const custody: Compared = { compared: 0, nonZero: 0, mismatches: [] };
    let drift = 0n;
    const replay = replayWith();
    const mutant = replayWith((given) => createSynthetixPerpsV2(given, LATE));
    const look = async (): Promise<void> => {
      const block = await session.kit.blockNumber();
      await replay.advance(block);
      await mutant.advance(block);
      const accounts = session.traders;
      add(total, await compareSynthetix({ client, model: replay.model, block, accountsIn: () => accounts }));
      const scene = { client, chain: session.chain, model: replay.model, block };
      await answerEpoch(scene);
      const compared = await compareSynthetixCustody(scene);
      add(custody, compared);
      if (compared.drift > drift) drift = compared.drift;
      add(
        mutated,
        await compareSynthetix({ client, model: mutant.model, block, accountsIn: () => accounts.slice(0, 2) }),
      );
    };
    for (let i = 0; i < STEPS; i++) {
      await session.step(look);
      if (i % 3 === 0) await look();
    }
    await look();

    expect(total.mismatches).toEqual([]);
    expect(custody.mismatches).toEqual([]);
    expect(custody.nonZero).toBeGreaterThan(40);
    // The market adds its debt up as it changes, each time cut to a wei; accounts are cut one by one.
    expect(drift).toBeLessThan(100n);
    expect(replay.rejected).toEqual([]);
    expect(total.nonZero).toBeGreaterThan(1500);
    expect(mutated.mismatches.map((m) => m.figure)).toContain("unrecordedFunding");
    expect(mutated.mismatches.map((m) => m.figure)).toContain("remainingMargin");
    expect(session.done.modify).toBeGreaterThan(5);
    expect((session.done.liquidate ?? 0) + (session.done.force ?? 0)).toBeGreaterThan(0);
  });

  it("counts as bad debt what the keepers' fees exceed the position's equity by", async () => {
    const { kit, synthetix, traders } = session;
    const { proxy } = synthetix.markets.SOL;
    const [trader, keeper] = [traders[0] as Hex, kit.accounts[10] as Hex];
    const act = actionsOf(synthetix);
    const replay = replayWith();
    const market = proxy.address.toLowerCase();
    await setPrice(synthetix, "SOL/USD", 150_00000000n);
    await act.closePosition("SOL", trader);
    expect(await act.transferMargin("SOL", trader, 1_000n * WAD)).toBe(true);
    expect(await act.modifyPosition("SOL", trader, 60n * WAD)).toBe(true);
    const before: { margin: bigint; size: bigint; lastPrice: bigint; lastFundingIndex: bigint } = await kit.read(
      proxy,
      "positions",
      [trader],
    );
    await setPrice(synthetix, "SOL/USD", 100_00000000n);
    await replay.advance(await kit.blockNumber());
    const counted = replay.model.market(market, 0n).badDebt;
    expect(await act.flagPosition("SOL", keeper, trader)).toBe(true);
    expect(await act.forceLiquidatePosition("SOL", keeper, trader)).toBe(true);
    await replay.advance(await kit.blockNumber());

    const length: bigint = await kit.read(proxy, "fundingSequenceLength");
    const last: bigint = await kit.read(proxy, "fundingSequence", [length - 1n]);
    const entry: bigint = await kit.read(proxy, "fundingSequence", [before.lastFundingIndex]);
    const pnl = (before.size * (100n * WAD - before.lastPrice)) / WAD;
    const equity = before.margin + pnl + (before.size * (last - entry)) / WAD;
    const liquidated = replay.events.at(-1);
    expect(liquidated?.payload.event).toBe("PositionLiquidated");
    expect(equity).toBeLessThan(0n);
    const fees = (liquidated?.payload.flaggerFee as bigint) + (liquidated?.payload.liquidatorFee as bigint);
    expect(replay.model.market(market, 0n).badDebt - counted).toBe(fees - equity);
  });

  it("knows when the protocol calls a price invalid: suspended, or stale", async () => {
    const { kit, synthetix, traders } = session;
    const { SystemStatus } = synthetix.contracts;
    const { asset, proxy } = synthetix.markets.BTC;
    const replay = replayWith();
    const compare = async () => {
      const block = await kit.blockNumber();
      await replay.advance(block);
      return compareSynthetix({ client, model: replay.model, block, accountsIn: () => traders });
    };
    const status = () => replay.model.market(proxy.address.toLowerCase(), 0n).status;
    const section = stringToHex("Synth", { size: 32 });
    await kit.send(SystemStatus, "updateAccessControl", [section, kit.accounts[0], true, true]);
    await kit.send(SystemStatus, "suspendSynth", [asset, 1n]);
    expect((await compare()).mismatches).toEqual([]);
    expect(status()).toBe("PAUSED");
    await kit.send(SystemStatus, "resumeSynth", [asset]);
    expect((await compare()).mismatches).toEqual([]);
    expect(status()).toBe("OPEN");

    kit.setClock((_number, parent) => parent + 4n * 86_400n);
    await kit.mine();
    expect((await compare()).mismatches).toEqual([]);
    const { timestamp } = await kit.client.getBlock();
    const stale = replay.model.market(proxy.address.toLowerCase(), timestamp).markPrice;
    expect(stale).toEqual({ value: null, reason: "STALE_ORACLE" });
  });

  it("reads what precedes the first market's announcement, and comes to the same state", async () => {
    const full = replayWith();
    const block = await session.kit.blockNumber();
    await full.advance(block);
    const announced = full.events.find((e) => e.kind === "MARKET_LISTED")?.block.number as bigint;
    const startBlock = Number(announced);
    const protocols = session.chain.protocols.map((p) => ({ ...p, startBlock }));
    const late = createReplay({ client, protocol: PROTOCOL, chain: { ...session.chain, startBlock, protocols } });
    await late.advance(block);

    expect(late.events.length).toBeLessThan(full.events.length);
    expect(late.readings.map((r) => r.key)).toContain("global:minKeeperFee");
    expect(late.readings.some((r) => r.key.startsWith("round:"))).toBe(true);
    expect(stateOf(late)).toEqual(stateOf(full));
  });
});

function stateOf({ model }: Replay): unknown {
  const accounts = model.addresses().map((address) => [address, model.accountState(address)]);
  return { accounts, markets: model.marketKeys().map((key) => model.marketState(key)) };
}

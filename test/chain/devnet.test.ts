import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Devnet, type DevnetChain, startDevnet } from "../../devnet/devnet.ts";
import { PERP_CHAIN, SYNTHETIX_CHAIN, type Trader, tradersOn } from "../../devnet/market/cast.ts";
import { UNDERLIERS } from "../../devnet/market/prices.ts";
import { crashBlocks, marketSeconds, midnightBlock } from "../../devnet/market/scenario.ts";
import type { Hex } from "../../src/core/ids.ts";

const WAD = 10n ** 18n;

async function headOf(options: { seed: number; chains: number[] }): Promise<{ hash: Hex; height: number }> {
  const devnet = await startDevnet({ ...options, historyBlocks: 40 });
  try {
    const [chain] = devnet.chains as [DevnetChain];
    await devnet.step();
    const { hash, height } = chain.state();
    const block = await chain.kit.client.getBlock();
    expect(block.hash).toBe(hash);
    expect(block.timestamp).toBe(marketSeconds({ seed: options.seed, historyBlocks: 40 }, 41));
    return { hash, height };
  } finally {
    await devnet.stop();
  }
}

describe("a devnet is a function of its seed", () => {
  it.each([PERP_CHAIN, SYNTHETIX_CHAIN])("on chain %i", async (chainId) => {
    const first = await headOf({ seed: 7, chains: [chainId] });
    const again = await headOf({ seed: 7, chains: [chainId] });
    const other = await headOf({ seed: 8, chains: [chainId] });
    expect(again).toEqual(first);
    expect(other.height).toBe(first.height);
    expect(other.hash).not.toBe(first.hash);
  });
});

/** What the protocol's own views say of a trader. Money with 18 digits. */
type Seen = { trader: Trader; equity: bigint; notional: bigint; belowMaintenance: boolean };

async function seenOnPerp(chain: DevnetChain, block: bigint): Promise<Seen[]> {
  const { ClearingHouse, AccountBalance } = chain.venue.perp?.contracts ?? {};
  if (!ClearingHouse || !AccountBalance) throw new Error("no Perp v2");
  return Promise.all(
    tradersOn(chain.chainId).map(async (trader) => {
      const args = [chain.kit.accounts[trader.index]];
      const [equity, requirement, notional]: bigint[] = await Promise.all([
        chain.kit.read(ClearingHouse, "getAccountValue", args, { block }),
        chain.kit.read(AccountBalance, "getMarginRequirementForLiquidation", args, { block }),
        chain.kit.read(AccountBalance, "getTotalAbsPositionValue", args, { block }),
      ]);
      const [e, r, n] = [equity ?? 0n, requirement ?? 0n, notional ?? 0n];
      return { trader, equity: e, notional: n, belowMaintenance: r > 0n && e < r };
    }),
  );
}

/** One entry a position: margin is isolated. The view floors equity at zero. */
async function seenOnSynthetix(chain: DevnetChain, block: bigint): Promise<Seen[]> {
  const { synthetix } = chain.venue;
  if (!synthetix) throw new Error("no Synthetix");
  const all = tradersOn(chain.chainId).flatMap((trader) =>
    UNDERLIERS.map((u) => ({ trader, market: synthetix.markets[u] })),
  );
  return Promise.all(
    all.map(async ({ trader, market }) => {
      const args = [chain.kit.accounts[trader.index]];
      const [[equity], [notional], belowMaintenance] = await Promise.all([
        chain.kit.read(market.proxy, "remainingMargin", args, { block }),
        chain.kit.read(market.proxy, "notionalValue", args, { block }),
        chain.kit.read(market.proxy, "canLiquidate", args, { block }),
      ]);
      return { trader, equity, notional: notional < 0n ? -notional : notional, belowMaintenance };
    }),
  );
}

/** Retail clients of a place whose equity is under half of an initial margin of 50 %: where CFD rules close them out. */
function closedOut(seen: readonly Seen[], jurisdiction: string): Set<number> {
  const under = seen.filter(
    ({ trader, equity, notional }) =>
      trader.facts?.jurisdiction === jurisdiction &&
      trader.facts.clientClass === "retail" &&
      notional > 0n &&
      equity * 4n < notional,
  );
  return new Set(under.map(({ trader }) => trader.index));
}

describe("the crash", () => {
  const scenario = { seed: 1, historyBlocks: 96 };
  let devnet: Devnet;
  const seen = new Map<number, Seen[][]>();

  beforeAll(async () => {
    devnet = await startDevnet(scenario);
    const { from, to } = crashBlocks(scenario);
    for (const chain of devnet.chains) {
      const look = chain.chainId === PERP_CHAIN ? seenOnPerp : seenOnSynthetix;
      const blocks: Seen[][] = [];
      for (let count = from - 1; count <= to + 6; count++) {
        blocks.push(await look(chain, chain.deploymentBlocks + BigInt(count)));
      }
      seen.set(chain.chainId, blocks);
    }
  });

  afterAll(async () => {
    await devnet?.stop();
  });

  it("crosses midnight", async () => {
    for (const { kit, deploymentBlocks } of devnet.chains) {
      const midnight = deploymentBlocks + BigInt(midnightBlock(scenario));
      const day = async (blockNumber: bigint) => (await kit.client.getBlock({ blockNumber })).timestamp / 86_400n;
      expect(await day(midnight)).toBe((await day(midnight - 1n)) + 1n);
    }
  });

  it.each([PERP_CHAIN, SYNTHETIX_CHAIN])(
    "leaves accounts of chain %i below maintenance for several blocks",
    (chainId) => {
      const blocks = seen.get(chainId) ?? [];
      const longest = new Map<number, number>();
      const running = new Map<number, number>();
      for (const block of blocks) {
        const below = new Set(block.filter((s) => s.belowMaintenance).map((s) => s.trader.index));
        for (const { index } of tradersOn(chainId)) {
          const length = below.has(index) ? (running.get(index) ?? 0) + 1 : 0;
          running.set(index, length);
          longest.set(index, Math.max(length, longest.get(index) ?? 0));
        }
      }
      expect([...longest.values()].filter((length) => length >= 3).length).toBeGreaterThanOrEqual(3);
    },
  );

  it.each([PERP_CHAIN, SYNTHETIX_CHAIN])("takes known clients of chain %i under their close-out", (chainId) => {
    const blocks = seen.get(chainId) ?? [];
    const everUnder = (place: string) => new Set(blocks.flatMap((block) => [...closedOut(block, place)])).size;
    expect(everUnder("EU")).toBeGreaterThanOrEqual(3);
    expect(everUnder("AU")).toBeGreaterThanOrEqual(2);
  });

  it.each([PERP_CHAIN, SYNTHETIX_CHAIN])(
    "finds individuals in Japan above twice their margin at midnight on chain %i",
    (chainId) => {
      const midnight = midnightBlock(scenario) - crashBlocks(scenario).from;
      const last = seen.get(chainId)?.[midnight] ?? [];
      const above = last.filter((s) => s.trader.facts?.jurisdiction === "JP" && s.notional > 2n * s.equity);
      expect(new Set(above.map((s) => s.trader.index)).size).toBeGreaterThanOrEqual(2);
    },
  );

  it.each([PERP_CHAIN, SYNTHETIX_CHAIN])(
    "finds careful traders of chain %i within twice their margin before it",
    (chainId) => {
      const before = (seen.get(chainId)?.[0] ?? []).filter((s) => s.trader.style === "careful" && s.notional > 0n);
      expect(before.length).toBeGreaterThanOrEqual(3);
      for (const s of before) expect(s.notional * 10n).toBeLessThan(s.equity * 21n);
    },
  );

  it("ends in bad debt on Perp v2", async () => {
    const chain = devnet.chains.find((c) => c.chainId === PERP_CHAIN) as DevnetChain;
    const negative = (seen.get(PERP_CHAIN) ?? []).flatMap((block) =>
      block.filter((s) => s.equity < 0n && s.notional > 0n),
    );
    expect(negative.length).toBeGreaterThan(0);
    const vault = chain.venue.perp?.contracts.Vault;
    if (!vault) throw new Error("no vault");
    const logs = await chain.kit.client.getContractEvents({ ...vault, eventName: "BadDebtSettled", fromBlock: 1n });
    expect(logs.length).toBeGreaterThan(0);
    for (const { args } of logs) expect((args as { amount: bigint }).amount).toBeGreaterThan(0n);
  });

  it("is the same fall on both chains", async () => {
    for (const { kit, venue, deploymentBlocks } of devnet.chains) {
      const aggregator = venue.perp?.feeds.ETH.aggregator ?? venue.synthetix?.feeds["ETH/USD"];
      if (!aggregator) throw new Error("no ETH feed");
      const priceAt = async (count: number): Promise<bigint> =>
        kit.read(aggregator, "latestAnswer", [], { block: deploymentBlocks + BigInt(count) });
      const { from, to } = crashBlocks(scenario);
      const [high, low] = [await priceAt(from), await priceAt(to + 4)];
      const left = (low * WAD) / high;
      expect(left).toBeGreaterThan((60n * WAD) / 100n);
      expect(left).toBeLessThan((75n * WAD) / 100n);
    }
  });

  it("goes on after somebody else's reorg, and remembers it", async () => {
    for (const chain of devnet.chains) {
      const before = chain.state();
      expect(before.reorged).toBe(false);
      await chain.kit.rpc("anvil_reorg", [5, []]);
      await chain.step();
      await chain.step();
      const after = chain.state();
      expect(after.height).toBe(before.height + 2);
      expect(after.reorged).toBe(true);
    }
  });
});

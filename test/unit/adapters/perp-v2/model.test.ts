import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PerpV2Model } from "../../../../src/adapters/perp-v2/model.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { InputError, InvariantError } from "../../../../src/core/errors.ts";
import type { CanonicalEvent } from "../../../../src/core/event.ts";
import { abs } from "../../../../src/core/fixed.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import { CONFIG, createRecordedModel, describeModel, FIXTURE, fold, recordedSteps, type Step } from "./fixture.ts";

const STEPS = recordedSteps();
const NOW = BigInt(FIXTURE.now);

function folded(steps: readonly Step[] = STEPS): PerpV2Model {
  const { model } = createRecordedModel();
  for (const step of steps) fold(model, step);
  return model;
}

function find(name: string, where: (event: CanonicalEvent) => boolean = () => true): Step {
  const step = STEPS.find((s) => s.event.payload.event === name && where(s.event));
  if (step === undefined) throw new InvariantError(`The recorded session has no ${name}.`);
  return step;
}

describe("the recorded session", () => {
  it("ends with the equity and requirement the protocol's views gave", () => {
    const model = folded();
    expect(FIXTURE.accounts.length).toBeGreaterThan(5);
    for (const { address, equity, requirement } of FIXTURE.accounts) {
      const group = model.account(address, NOW).groups[0];
      expect(String(group?.equity.value ?? 0n), address).toBe(equity);
      expect(String(group?.maintenance.value ?? 0n), address).toBe(requirement);
    }
  });

  it("holds as much long as short: takers and makers are each other's counterparties", () => {
    const model = folded();
    for (const key of model.marketKeys()) {
      const { longSize, shortSize } = model.market(key, NOW);
      // Every order's amounts are rounded down, by at most a few wei each.
      expect(abs(longSize - shortSize)).toBeLessThan(100n);
    }
    expect(model.market(find("Swap").event.market ?? (model.marketKeys()[0] as string), NOW).longSize).toBeGreaterThan(
      0n,
    );
  });

  it("counts bad debt in the market of the trader's last trade", () => {
    const model = folded();
    const settled = STEPS.filter((s) => s.event.kind === "BAD_DEBT");
    const total = settled.reduce((sum, { event }) => sum + (event.amount ?? 0n), 0n) * 10n ** 12n;
    expect(total).toBeGreaterThan(0n);
    expect(model.protocolBadDebt()).toBe(total);
    expect(model.marketKeys().reduce((sum, key) => sum + model.market(key, NOW).badDebt, 0n)).toBe(total);
  });

  it("names underlier and symbol from what was read", () => {
    const model = folded();
    const said = model
      .marketKeys()
      .map((key) => [model.market(key, NOW).symbol, model.market(key, NOW).product.underlier]);
    expect(said.sort()).toEqual([
      ["vBTC", "BTC"],
      ["vETH", "ETH"],
      ["vSOL", "SOL"],
    ]);
  });

  it("calls exactly the accounts with liquidity or further collateral restless", () => {
    const model = folded();
    const weth = CONFIG.collateral?.[0]?.address as string;
    for (const address of model.addresses()) {
      const group = model.account(address, NOW).groups[0];
      if (group === undefined) continue;
      const { balances } = model.accountState(address) as { balances: Record<string, string> };
      const expected = group.positions.some((p) => p.isMaker) || (balances[weth] ?? "0") !== "0";
      expect(group.restless, address).toBe(expected);
    }
  });
});

describe("undo", () => {
  it("restores every state and figure exactly, and folding on gives the same again", () => {
    const marks = STEPS.map((_, i) => i.toString().padStart(6, "0"));
    const last = STEPS.length - 1;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: last }), fc.integer({ min: 1, max: last }), (a, b) => {
        const [keep, until] = [Math.min(a, b), Math.max(a, b)];
        const { model, journal } = createRecordedModel();
        const run = (from: number, to: number) => {
          for (let i = from; i <= to; i++) {
            journal.mark(marks[i] as string);
            fold(model, STEPS[i] as Step);
          }
        };
        run(0, keep);
        const before = describeModel(model, NOW);
        run(keep + 1, until);
        const after = describeModel(model, NOW);
        journal.undoTo(marks[keep] as string);
        expect(describeModel(model, NOW)).toBe(before);
        run(keep + 1, until);
        expect(describeModel(model, NOW)).toBe(after);
      }),
      { seed: 1, numRuns: 25 },
    );
  });
});

describe("figures of a taker", () => {
  it("give a liquidation price just beyond which equity is below the requirement", () => {
    let checked = 0;
    for (let end = 100; end < STEPS.length; end += 40) {
      const steps = STEPS.slice(0, end);
      const now = (steps.at(-1) as Step).event.block.timestamp;
      const model = folded(steps);
      for (const address of model.addresses()) {
        const group = model.account(address, now).groups[0];
        for (const position of group?.positions ?? []) {
          const at = position.liquidationPrice.value;
          if (at === null || group === undefined || group.positions.some((p) => p.isMaker)) continue;
          const ratio = 62_500n;
          const rest = (group.equity.value as bigint) - valueAt(position.size, position.markPrice.value as bigint);
          const others = notionalElsewhere(group.positions, position.market);
          const margin = (price: bigint) =>
            1_000_000n * (rest + valueAt(position.size, price)) - ratio * (others + abs(valueAt(position.size, price)));
          // A millionth of a dollar, the account value's own grain, either side of the price.
          const tolerance = 3_000_000n * 10n ** 12n;
          expect(abs(margin(at)), address).toBeLessThan(tolerance * 2n);
          expect(margin(position.size > 0n ? (at * 99n) / 100n : (at * 101n) / 100n)).toBeLessThan(0n);
          checked++;
        }
      }
    }
    expect(checked).toBeGreaterThan(10);
  });

  it("relate entry price, size and unrealised result", () => {
    const model = folded();
    let checked = 0;
    for (const address of model.addresses()) {
      for (const position of model.account(address, NOW).groups[0]?.positions ?? []) {
        const { size, entryPrice, markPrice, unrealizedPnl } = position;
        if (entryPrice.value === null || size === 0n) continue;
        const implied = (size * ((markPrice.value as bigint) - entryPrice.value)) / 10n ** 18n;
        const grain = abs(size) / 10n ** 18n + 2n;
        expect(abs((unrealizedPnl.value as bigint) - implied), address).toBeLessThanOrEqual(grain);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(2);
  });

  it("do not depend on when they were asked for before", () => {
    const { model: asked } = createRecordedModel();
    for (const step of STEPS) {
      fold(asked, step);
      for (const key of asked.marketKeys()) asked.market(key, step.event.block.timestamp);
    }
    expect(describeModel(asked, NOW)).toBe(describeModel(folded(), NOW));
  });
});

describe("what is not known", () => {
  it("is null with a reason: no parameter was read", () => {
    const { model } = createRecordedModel();
    for (const { event, readings } of STEPS) {
      for (const reading of readings) if (!reading.key.startsWith("config:mmRatio")) model.applyReading(reading);
      model.apply(event);
    }
    const group = groupWithPosition(model);
    expect(group.equity).toEqual({ value: null, reason: "READ_REVERTED" });
    expect(group.maintenance).toEqual({ value: null, reason: "READ_REVERTED" });
  });

  it("is null with a reason: the deployment lists no feed of the market", () => {
    const feeds = FIXTURE.chain.feeds.map(({ observers: _, ...feed }) => feed);
    const model = new PerpV2Model({ config: CONFIG, feeds, journal: new Journal() });
    for (const step of STEPS)
      fold(model, { ...step, readings: step.readings.filter((r) => !r.key.startsWith("feed:")) });
    const group = groupWithPosition(model);
    expect(group.equity).toEqual({ value: null, reason: "NO_PRICE" });
    expect(group.positions[0]?.liquidationPrice).toEqual({ value: null, reason: "NO_PRICE" });
    expect(model.market(model.marketKeys()[0] as string, NOW).markPrice).toEqual({ value: null, reason: "NO_PRICE" });
  });

  it("has no group: an account nobody has heard of", () => {
    const stranger = "0x00000000000000000000000000000000000000aa" as Hex;
    expect(folded().account(stranger, NOW)).toEqual({ address: stranger, groups: [] });
  });
});

describe("self-checks", () => {
  it("refuse a maker fee that the swaps do not give", () => {
    const { model } = createRecordedModel();
    const wrong = find("LiquidityChanged", (e) => (e.payload.quoteFee as bigint) > 0n);
    const quoteFee = (wrong.event.payload.quoteFee as bigint) + 1n;
    const event = { ...wrong.event, payload: { ...wrong.event.payload, quoteFee } };
    for (const step of STEPS.slice(0, STEPS.indexOf(wrong))) fold(model, step);
    expect(() => model.apply(event)).toThrow(InvariantError);
  });

  it("refuse a swap that ends with other liquidity than was provided", () => {
    const { model } = createRecordedModel();
    const swap = find("Swap");
    const at = STEPS.indexOf(swap);
    for (const step of STEPS.slice(0, at)) fold(model, step);
    model.apply({ ...swap.event, payload: { ...swap.event.payload, liquidity: 1n } });
    const next = STEPS.slice(at + 1).findIndex((s) => s.event.payload.event === "PositionChanged") + at + 1;
    for (const step of STEPS.slice(at + 1, next)) fold(model, step);
    expect(() => fold(model, STEPS[next] as Step)).toThrow(InvariantError);
  });
});

describe("a deployment without an address", () => {
  it("is refused", () => {
    const { Vault: _, ...contracts } = CONFIG.contracts as Record<string, Hex>;
    const config = { ...CONFIG, contracts };
    expect(() => new PerpV2Model({ config, feeds: [], journal: new Journal() })).toThrow(InputError);
  });
});

function groupWithPosition(model: PerpV2Model) {
  const groups = model.addresses().flatMap((address) => model.account(address, NOW).groups);
  const group = groups.find((g) => g.positions.length > 0);
  if (group === undefined) throw new InvariantError("The recorded session ends without a position.");
  return group;
}

function valueAt(size: bigint, price: bigint): bigint {
  return (size * price) / 10n ** 18n;
}

function notionalElsewhere(
  positions: readonly { market: string; notional: { value: bigint | null } }[],
  market: string,
): bigint {
  return positions.filter((p) => p.market !== market).reduce((sum, p) => sum + (p.notional.value ?? 0n), 0n);
}

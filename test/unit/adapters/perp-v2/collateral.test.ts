import { describe, expect, it } from "vitest";
import type { PerpV2Model } from "../../../../src/adapters/perp-v2/model.ts";
import { epochReads } from "../../../../src/adapters/perp-v2/readings.ts";
import { READ_ABIS } from "../../../../src/adapters/perp-v2/sources.ts";
import { squareRoot } from "../../../../src/adapters/perp-v2/tick-math.ts";
import type { Journal } from "../../../../src/core/book/journal.ts";
import { InputError } from "../../../../src/core/errors.ts";
import type { CanonicalEvent, Reading } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import type { AccountFigures } from "../../../../src/core/margin-model.ts";
import { CONFIG, createRecordedModel, FIXTURE, fold, recordedSteps } from "./fixture.ts";

const WAD = 10n ** 18n;
const NOW = BigInt(FIXTURE.now);
const STEPS = recordedSteps();
/** A millionth of a dollar, 18 decimals: what the protocol cuts an account value to. */
const CUT = 10n ** 12n;
const FUND = CONFIG.contracts.InsuranceFund as Hex;

function folded(): { model: PerpV2Model; journal: Journal } {
  const made = createRecordedModel();
  for (const step of STEPS) fold(made.model, step);
  return made;
}

const { model } = folded();
const everyone = model.addresses().map((address) => ({ address, figures: model.account(address, NOW) }));
const group = (figures: AccountFigures) => figures.groups[0];
const isMaker = (figures: AccountFigures) => group(figures)?.positions.some((p) => p.isMaker) ?? false;

describe("holdings", () => {
  it("count, all together, as the collateral the margin group states", () => {
    let several = 0;
    for (const { address, figures } of everyone) {
      const holdings = model.holdings(address, NOW);
      const counted = holdings.reduce((sum, h) => sum + (h.counted.value ?? 0n), 0n);
      expect(counted, address).toBe(group(figures)?.collateral.value ?? 0n);
      if (holdings.length > 1) several++;
    }
    expect(several).toBeGreaterThan(0);
  });

  it("have the settlement token first, at one and in full, and further tokens at their weight", () => {
    const held = everyone.map(({ address }) => model.holdings(address, NOW)).find((h) => h.length > 1);
    const [dollars, ether] = held ?? [];
    expect(dollars).toMatchObject({ asset: "USDC", isSettlement: true, price: { value: WAD } });
    expect(dollars?.counted).toEqual(dollars?.value);
    expect(ether).toMatchObject({ asset: "WETH", isSettlement: false });
    const [units, price, value, counted] = [ether?.units, ether?.price.value, ether?.value.value, ether?.counted.value];
    if (!units || !price || !value || !counted) throw new Error("The account holds ether.");
    expect((units * price) / WAD).toBe(value);
    expect(counted < value && counted > 0n).toBe(true);
  });

  it("name the settlement token at zero beside further ones, so that its currency is known", () => {
    const { model } = folded();
    const deposited = STEPS.find((s) => s.event.payload.event === "Deposited")?.event as CanonicalEvent;
    const trader = "0x00000000000000000000000000000000000000fe";
    const collateralToken = CONFIG.collateral?.[0]?.address.toLowerCase() ?? "";
    model.apply({ ...deposited, payload: { ...deposited.payload, trader, collateralToken, amount: WAD } });
    const [dollars, ether] = model.holdings(trader, NOW);
    expect(dollars).toMatchObject({ asset: "USDC", units: 0n, value: { value: 0n } });
    expect(ether).toMatchObject({ asset: "WETH", units: WAD });
  });

  it("are nothing for an account nobody has heard of", () => {
    expect(model.holdings("0x00000000000000000000000000000000000000ff", NOW)).toEqual([]);
  });
});

describe("equity under a shock", () => {
  const under = (address: Hex, shock: bigint) => {
    const { value } = model.equityUnder(address, { now: NOW, shock });
    if (value === null) throw new Error(`The equity of ${address} is known.`);
    return value;
  };

  it("of nothing is the equity itself, but for what rounding takes", () => {
    for (const { address, figures } of everyone) {
      const equity = group(figures)?.equity.value ?? 0n;
      const left = equity - under(address, 0n);
      // A maker's pool price is squared and rooted again, which moves its share of the pool by a few units of 2^-96.
      expect(left >= -CUT && left <= CUT * (isMaker(figures) ? 1000n : 1n), `${address} ${left}`).toBe(true);
    }
  });

  it("of a taker moves by its size times the move, and its further collateral's counted value", () => {
    let takers = 0;
    for (const { address, figures } of everyone) {
      if (isMaker(figures) || group(figures) === undefined) continue;
      takers++;
      const linear = (group(figures)?.positions ?? []).reduce((sum, p) => sum + p.size * (p.markPrice.value ?? 0n), 0n);
      const [, ...further] = model.holdings(address, NOW);
      const weighted = further.reduce((sum, h) => sum + (h.counted.value ?? 0n), 0n);
      for (const percent of [-50n, -20n, 30n]) {
        const expected = ((linear / WAD + weighted) * percent) / 100n + (group(figures)?.equity.value ?? 0n);
        const difference = under(address, (WAD * percent) / 100n) - expected;
        expect(difference >= -2n * CUT && difference <= 2n * CUT, `${address} at ${percent} %`).toBe(true);
      }
    }
    expect(takers).toBeGreaterThan(3);
  });

  it("of a maker is below its tangent both ways: liquidity loses by every move", () => {
    const makers = everyone.filter(({ figures }) => isMaker(figures));
    expect(makers.length).toBeGreaterThan(0);
    for (const { address, figures } of makers) {
      const held = (group(figures)?.positions ?? []).reduce((sum, p) => sum + p.size * (p.markPrice.value ?? 0n), 0n);
      for (const percent of [-30n, 30n]) {
        const tangent = under(address, 0n) + (held * percent) / 100n / WAD;
        expect(under(address, (WAD * percent) / 100n) < tangent, `${address} at ${percent} %`).toBe(true);
      }
    }
  });

  it("leaves a taker's collateral and quote when every price is zero, and goes no further", () => {
    const address = everyone.find(({ figures }) => !isMaker(figures) && group(figures)?.positions.length)?.address;
    if (address === undefined) throw new Error("There is a taker.");
    expect(under(address, -WAD)).toBeTypeOf("bigint");
    expect(() => model.equityUnder(address, { now: NOW, shock: -WAD - 1n })).toThrow(InputError);
  });
});

describe("the insurance fund", () => {
  const wallet = (model: PerpV2Model, result: Reading["result"]) => {
    const [request] = epochReads(CONFIG);
    const block = STEPS.at(-1)?.event.block;
    if (request === undefined || block === undefined) throw new Error("The session ends, and the fund is asked for.");
    const place = { id: "wallet", chainId: 901, block, logIndex: 1, protocol: "perp-v2" };
    model.applyReading({ ...place, ...request, result });
  };

  it("asks for the settlement token it holds itself, by a view the adapter knows", () => {
    const [request] = epochReads(CONFIG);
    expect(request).toMatchObject({ address: CONFIG.settlement.address.toLowerCase(), args: [FUND.toLowerCase()] });
    expect(READ_ABIS[request?.abi ?? ""]?.some((item) => "name" in item && item.name === "balanceOf")).toBe(true);
  });

  it("is unknown until read, then its account in the vault with its own tokens; no pool stands beside it", () => {
    const { model } = folded();
    expect(model.absorbers()).toEqual({
      fund: { value: null, reason: "NOT_YET_READ" },
      pool: { value: 0n, reason: null },
    });
    wallet(model, [500_000_000n]);
    const inVault = model.account(FUND.toLowerCase() as Hex, NOW).groups[0]?.equity.value ?? 0n;
    expect(model.absorbers().fund.value).toBe(500n * WAD + inVault);
    wallet(model, null);
    expect(model.absorbers().fund).toEqual({ value: null, reason: "NOT_YET_READ" });
  });

  it("has no more after repaying: what leaves its pocket is in the vault then", () => {
    const { model, journal } = folded();
    const deposited = STEPS.find((s) => s.event.payload.event === "Deposited")?.event as CanonicalEvent;
    const { USDC, amount } = { USDC: CONFIG.settlement.address.toLowerCase(), amount: 120_000_000n };
    const payload = { ...deposited.payload, trader: FUND.toLowerCase(), collateralToken: USDC, amount };
    wallet(model, [500_000_000n]);
    const before = model.absorbers().fund.value;
    journal.mark("repay");
    model.apply({ ...deposited, payload });
    expect(model.absorbers().fund.value).toBe(before);
    wallet(model, [380_000_000n]);
    expect(model.absorbers().fund.value).toBe(before);
    journal.undoTo("repay");
    expect(model.absorbers().fund.value).toBe(before);
  });
});

describe("squareRoot", () => {
  it("is the largest integer whose square is not above", () => {
    for (const x of [0n, 1n, 2n, 3n, 4n, 8n, 9n, 10n ** 40n, 10n ** 40n - 1n, (1n << 192n) + 12_345n]) {
      const root = squareRoot(x);
      expect(root * root <= x && (root + 1n) * (root + 1n) > x, `${x}`).toBe(true);
    }
  });
});

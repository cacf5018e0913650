/**
 * Three portfolios worked as a spreadsheet would work them: cell by cell, in fractions, from the text of the schedule,
 * without any of the functions under test.
 */
import { describe, expect, it } from "vitest";
import type { CollateralClass } from "../../../src/core/collateral-class.ts";
import type { Holding, PositionFigures, Product } from "../../../src/core/margin-model.ts";
import type { MetricId } from "../../../src/core/metrics/catalogue.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import { type AccountMetric, accountInputs } from "../../../src/core/metrics/figures.ts";
import { account, group, known, market, position, product } from "../rules/figures.ts";
import { holding, posted } from "./collateral.ts";

const WAD = 10n ** 18n;

/** A cell: an exact fraction. */
type Cell = { over: bigint; under: bigint };

const whole = (n: bigint): Cell => ({ over: n, under: 1n });
const percent = (n: bigint): Cell => ({ over: n, under: 100n });
const times = (a: Cell, b: Cell): Cell => ({ over: a.over * b.over, under: a.under * b.under });
const plus = (a: Cell, b: Cell): Cell => ({ over: a.over * b.under + b.over * a.under, under: a.under * b.under });
const minus = (a: Cell, b: Cell): Cell => plus(a, { over: -b.over, under: b.under });
const divided = (a: Cell, b: Cell): Cell => ({ over: a.over * b.under, under: a.under * b.over });
const column = (cells: Cell[]): Cell => cells.reduce(plus, whole(0n));
const orZero = (a: Cell): Cell => (a.over * a.under < 0n ? whole(0n) : a);

/** The cell with 18 decimals, every part of a unit rounded up, or down. */
function shown({ over, under }: Cell, way: "up" | "down"): bigint {
  const [n, d] = under < 0n ? [-over * WAD, -under] : [over * WAD, under];
  const floor = n >= 0n ? n / d : -((-n + d - 1n) / d);
  return way === "down" || floor * d === n ? floor : floor + 1n;
}

/** The standard schedule, in percent of notional. */
const SCHEDULE: Partial<Record<Product["underlierClass"], bigint>> = {
  crypto: 15n,
  gold: 15n,
  fx_major: 6n,
  equity: 15n,
};
const RATES = new Map(
  Object.entries(SCHEDULE).map(([name, rate]) => [name as Product["underlierClass"], (rate * WAD) / 100n]),
);

type Line = { underlierClass: Product["underlierClass"]; units: bigint; price: bigint; entry: bigint };
type Portfolio = { lines: Line[]; dollars: bigint; ether: bigint };

/** Official positions on crypto as collateral; stablecoins at 2 % in all of them. */
const TREATMENTS = {
  ineligible: { ether: null },
  "20 %": { ether: 20n },
  "100 %": { ether: 100n },
} as const;

const CURRENCY_PERCENT = 8n;
const STABLE_PERCENT = 2n;

/** What is required, by the text: 0.4 · Gross + 0.6 · NGR · Gross. */
function requiredCell({ lines }: Portfolio): Cell {
  const gross = column(
    lines.map(({ underlierClass, units, price }) => {
      const notional = whole(units < 0n ? -units * price : units * price);
      return times(percent(SCHEDULE[underlierClass] ?? 0n), notional);
    }),
  );
  const dueToVenue = lines.map(({ units, price, entry }) => whole(units * (entry - price)));
  const grossReplacement = column(dueToVenue.map(orZero));
  const netReplacement = orZero(column(dueToVenue));
  const ngr = grossReplacement.over === 0n ? whole(1n) : divided(netReplacement, grossReplacement);
  const flat = times(percent(40n), gross);
  const netted = times(times(gross, ngr), percent(60n));
  return plus(netted, flat);
}

/** What counts of the collateral: dollars less 2 %, ether less its haircut and 8 % for no currency, or not at all. */
function adjustedCell({ dollars, ether }: Portfolio, etherPercent: bigint | null): Cell {
  const ofDollars =
    dollars < 0n ? whole(dollars) : minus(whole(dollars), times(percent(STABLE_PERCENT), whole(dollars)));
  if (etherPercent === null) return ofDollars;
  const left = orZero(percent(100n - etherPercent - CURRENCY_PERCENT));
  return plus(times(left, whole(ether)), ofDollars);
}

const PORTFOLIOS: Record<string, Portfolio> = {
  "one losing position in bitcoin": {
    lines: [{ underlierClass: "crypto", units: 2n, price: 60_000n, entry: 61_500n }],
    dollars: 10_000n,
    ether: 15_000n,
  },
  "gains and losses over four classes": {
    lines: [
      { underlierClass: "crypto", units: -7n, price: 3_000n, entry: 2_900n },
      { underlierClass: "gold", units: 11n, price: 2_413n, entry: 2_399n },
      { underlierClass: "fx_major", units: 90_000n, price: 2n, entry: 2n },
      { underlierClass: "equity", units: -13n, price: 207n, entry: 199n },
    ],
    dollars: 21_000n,
    ether: 333n,
  },
  "nothing but gains, and a debt in dollars": {
    lines: [
      { underlierClass: "crypto", units: 3n, price: 3_001n, entry: 2_000n },
      { underlierClass: "crypto", units: -5n, price: 100n, entry: 140n },
    ],
    dollars: -900n,
    ether: 1_777n,
  },
};

/** The same portfolio as figures of a margin model. */
function heldOf({ lines, dollars, ether }: Portfolio) {
  const positions: PositionFigures[] = lines.map(({ units, price, entry }, i) =>
    position({
      market: `m${i}`,
      size: units * WAD,
      markPrice: known(price * WAD),
      notional: known((units < 0n ? -units : units) * price * WAD),
      unrealizedPnl: known(units * (price - entry) * WAD),
    }),
  );
  const holdings: Holding[] = [holding("USDC", dollars), holding("WETH", ether)];
  const marketOf = (key: string) =>
    market({ key, product: product({ underlierClass: lines[Number(key.slice(1))]?.underlierClass ?? "other" }) });
  return { account: account(group({ positions })), marketOf, rates: RATES, posted: posted(holdings) };
}

describe.each(Object.entries(PORTFOLIOS))("%s", (_, portfolio) => {
  const required = requiredCell(portfolio);
  const measured = (metric: AccountMetric, terms = {}): bigint | null => {
    const { inputs } = accountInputs(metric, { ...heldOf(portfolio), ...terms });
    return inputs && compute(metric as MetricId, inputs, "USDC").value;
  };

  it("has the margin the schedule asks for", () => {
    expect(required.over).toBeGreaterThan(0n);
    expect(measured("ACC.IM_REQ_REG")).toBe(shown(required, "up"));
  });

  it("has as much of it uncollected as collateral before haircuts leaves", () => {
    const held = whole(portfolio.dollars + portfolio.ether);
    expect(measured("CPT.UNMARGINED_IM")).toBe(shown(orZero(minus(required, held)), "up"));
  });

  it.each(Object.entries(TREATMENTS))(
    "is short of what crypto as collateral leaves when it is %s",
    (_name, { ether }) => {
      const adjusted = adjustedCell(portfolio, ether);
      const haircuts = new Map<CollateralClass, bigint>([
        ["FIAT_STABLE_REGULATED", (STABLE_PERCENT * WAD) / 100n],
        ["NATIVE_MAJOR", ((ether ?? 0n) * WAD) / 100n],
      ]);
      const eligible = ether === null ? new Set<CollateralClass>(["FIAT_STABLE_REGULATED"]) : null;
      const terms = { haircuts, eligible, currencyHaircut: (CURRENCY_PERCENT * WAD) / 100n };
      expect(measured("ACC.COLLATERAL_ADJ", terms)).toBe(shown(adjusted, "down"));
      const short = shown(required, "up") - shown(adjusted, "down");
      expect(measured("ACC.REG_SHORTFALL", terms)).toBe(short > 0n ? short : 0n);
    },
  );
});

describe("the three treatments side by side", () => {
  it("rank as they must: 20 % counts for more than 100 %, which counts for as little as not at all", () => {
    for (const portfolio of Object.values(PORTFOLIOS)) {
      const [none, some, all] = [null, 20n, 100n].map((ether) => shown(adjustedCell(portfolio, ether), "down"));
      expect((some ?? 0n) > (all ?? 0n)).toBe(true);
      expect(all).toBe(none);
    }
  });
});

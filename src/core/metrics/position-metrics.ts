import { InputError } from "../errors.ts";
import { abs, divDown, divUp, WAD } from "../fixed.ts";
import {
  baseCollateralLiquidationPrice,
  inverseLiquidationPrice,
  linearLiquidationPrice,
} from "./liquidation-price.ts";
import { divAway, type Formula, type Inputs, members, need, stated, type Value } from "./metric.ts";

/** No power perpetual goes beyond a cube. */
const MAX_POWER = 8n;

/**
 * What one position is worth. Under cross margin its collateral and equity are those of the pool it shares; size, price
 * and PnL are its own.
 */
export const POSITION_METRICS = {
  "POS.NOTIONAL": {
    title: "Notional amount",
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "|size| · markPrice",
        inputs: ["size", "markPrice"],
        evaluate: (i) => divUp(abs(need(i, "size")) * need(i, "markPrice"), WAD),
      },
      {
        formula: "|size| · markPrice · multiplier",
        inputs: ["size", "markPrice", "multiplier"],
        evaluate: (i) => divUp(abs(need(i, "size")) * need(i, "markPrice") * need(i, "multiplier"), WAD * WAD),
      },
      {
        formula: "|size| · markPrice^power · normFactor",
        inputs: ["size", "markPrice", "power", "normFactor"],
        evaluate: powerNotional,
      },
      {
        formula: "|size| · spotPrice (option)",
        inputs: ["size", "spotPrice"],
        evaluate: (i) => divUp(abs(need(i, "size")) * need(i, "spotPrice"), WAD),
      },
      stated("notional"),
    ],
  },
  "POS.DELTA": {
    title: "Delta in units of the underlier",
    unit: "base",
    rounding: "away from zero",
    authority: "regulatory text",
    fraction: null,
    variants: [
      { formula: "size", inputs: ["size"], evaluate: (i) => need(i, "size") },
      {
        formula: "size · power · markPrice^(power − 1) · normFactor",
        inputs: ["size", "markPrice", "power", "normFactor"],
        evaluate: powerDelta,
      },
      {
        formula: "size · deltaPerUnit (option, model tagged in the sources)",
        inputs: ["size", "deltaPerUnit"],
        evaluate: (i) => divAway(need(i, "size") * need(i, "deltaPerUnit"), WAD),
      },
    ],
  },
  "POS.UPNL": {
    title: "Unrealised profit and loss",
    unit: "money",
    rounding: "down",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "size · (markPrice − entryPrice)",
        inputs: ["size", "markPrice", "entryPrice"],
        evaluate: (i) => divDown(need(i, "size") * (need(i, "markPrice") - need(i, "entryPrice")), WAD),
      },
      {
        formula: "contracts · (1/entryPrice − 1/markPrice), in coin (inverse)",
        inputs: ["contracts", "markPrice", "entryPrice"],
        evaluate: inversePnl,
      },
      stated("unrealizedPnl"),
    ],
  },
  "POS.FUNDING_ACCRUED": {
    title: "Funding accrued to the holder (negative: owed)",
    unit: "money",
    rounding: "down",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "−size · (fundingIndex − entryFundingIndex)",
        inputs: ["size", "fundingIndex", "entryFundingIndex"],
        evaluate: (i) => divDown(-need(i, "size") * (need(i, "fundingIndex") - need(i, "entryFundingIndex")), WAD),
      },
      stated("fundingAccrued"),
    ],
  },
  "POS.COLLATERAL_GROSS": {
    title: "Collateral before haircuts",
    unit: "money",
    rounding: "down",
    authority: "regulatory text",
    fraction: null,
    variants: [
      stated("collateral"),
      { formula: "Σ units · price over the assets held", inputs: ["units.*", "price.*"], evaluate: collateralValue },
    ],
  },
  "POS.EQUITY": {
    title: "Equity: the protocol's own account value, not floored",
    unit: "money",
    rounding: "down",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "collateral + unrealizedPnl (collateral includes realised results and funding)",
        inputs: ["collateral", "unrealizedPnl"],
        evaluate: (i) => need(i, "collateral") + need(i, "unrealizedPnl"),
      },
      {
        formula: "collateral + unrealizedPnl − owed",
        inputs: ["collateral", "unrealizedPnl", "owed"],
        evaluate: (i) => need(i, "collateral") + need(i, "unrealizedPnl") - need(i, "owed"),
      },
      stated("equity"),
    ],
  },
  "POS.LIQ_PRICE": {
    title: "Price of this market at which equity meets the maintenance requirement, all else unchanged",
    unit: "price",
    rounding: "toward the mark",
    authority: "project definition",
    fraction: null,
    variants: [
      stated("liquidationPrice"),
      {
        formula: "(size·entryPrice + owed − collateral) / (size − |size|·maintenanceRate)",
        inputs: ["size", "entryPrice", "collateral", "owed", "maintenanceRate"],
        evaluate: (i) =>
          linearLiquidationPrice({ ...terms(i), size: need(i, "size"), collateral: need(i, "collateral") }),
      },
      {
        formula: "(size·entryPrice + owed) / (collateralUnits·(1 − haircut) + size − |size|·maintenanceRate)",
        inputs: ["size", "entryPrice", "collateralUnits", "haircut", "owed", "maintenanceRate"],
        evaluate: (i) =>
          baseCollateralLiquidationPrice({
            ...terms(i),
            size: need(i, "size"),
            collateralUnits: need(i, "collateralUnits"),
            haircut: need(i, "haircut"),
          }),
      },
      {
        formula:
          "(contracts + |contracts|·maintenanceRate) / (collateralUnits − owed + contracts/entryPrice), in coin (inverse)",
        inputs: ["contracts", "entryPrice", "collateralUnits", "owed", "maintenanceRate"],
        evaluate: (i) =>
          inverseLiquidationPrice({
            ...terms(i),
            contracts: need(i, "contracts"),
            collateralUnits: need(i, "collateralUnits"),
          }),
      },
    ],
  },
  "POS.LIQ_DISTANCE": {
    title: "Relative price move to the liquidation price (negative: beyond it)",
    unit: "ratio",
    rounding: "down",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "sign(size) · (markPrice − liquidationPrice) / markPrice",
        inputs: ["size", "markPrice", "liquidationPrice"],
        evaluate: liquidationDistance,
      },
    ],
  },
} satisfies Record<string, Formula>;

function powerNotional(i: Inputs): Value {
  const power = powerIn(i);
  return divUp(abs(need(i, "size")) * need(i, "markPrice") ** power * need(i, "normFactor"), WAD ** (power + 1n));
}

function powerDelta(i: Inputs): Value {
  const power = powerIn(i);
  const slope = power * need(i, "markPrice") ** (power - 1n);
  return divAway(need(i, "size") * slope * need(i, "normFactor"), WAD ** power);
}

/** A recorded exponent may be anything: a price to the power of a million would keep whoever checks it busy for hours. */
function powerIn(i: Inputs): bigint {
  const power = need(i, "power");
  if (power < 1n || power > MAX_POWER) throw new InputError(`power is ${power}; expected 1 to ${MAX_POWER}.`);
  return power;
}

function inversePnl(i: Inputs): Value {
  const [mark, entry] = [need(i, "markPrice"), need(i, "entryPrice")];
  if (mark <= 0n || entry <= 0n) return "UNDEFINED_AT_ZERO";
  return divDown(need(i, "contracts") * (mark - entry) * WAD, entry * mark);
}

function collateralValue(i: Inputs): Value {
  return members(i, "units").reduce(
    (total, asset) => total + divDown(need(i, `units.${asset}`) * need(i, `price.${asset}`), WAD),
    0n,
  );
}

function terms(i: Inputs): { entryPrice: bigint; owed: bigint; maintenanceRate: bigint } {
  return {
    entryPrice: need(i, "entryPrice"),
    owed: need(i, "owed"),
    maintenanceRate: need(i, "maintenanceRate"),
  };
}

function liquidationDistance(i: Inputs): Value {
  const [size, mark] = [need(i, "size"), need(i, "markPrice")];
  if (size === 0n) return "NO_POSITION";
  if (mark <= 0n) return "UNDEFINED_AT_ZERO";
  const gap = (mark - need(i, "liquidationPrice")) * WAD;
  return divDown(size > 0n ? gap : -gap, mark);
}

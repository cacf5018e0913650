import { abs, divUp, WAD } from "../fixed.ts";
import { type Formula, type Inputs, members, need } from "./metric.ts";

/**
 * Metrics of one beneficial owner over protocols and chains, in the reporting currency. Gross exposure is by settlement
 * account, net exposure by netting set: one underlier in one protocol of one chain, because nothing nets across
 * protocols unless an agreement is registered.
 */
export const COUNTERPARTY_METRICS = {
  "CPT.GROSS_EXPOSURE": {
    title: "Gross exposure",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "Σ notional · rate into the reporting currency",
        inputs: ["notional.*", "rate.*"],
        evaluate: (i) => sumOfProducts(i, "notional", "rate"),
      },
    ],
  },
  "CPT.NET_EXPOSURE": {
    title: "Net exposure",
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "Σ |net delta| · price over netting sets",
        inputs: ["delta.*", "price.*"],
        evaluate: (i) => sumOfProducts(i, "delta", "price"),
      },
    ],
  },
} satisfies Record<string, Formula>;

function sumOfProducts(i: Inputs, amount: string, price: string): bigint {
  return members(i, amount).reduce(
    (total, key) => total + divUp(abs(need(i, `${amount}.${key}`)) * need(i, `${price}.${key}`), WAD),
    0n,
  );
}

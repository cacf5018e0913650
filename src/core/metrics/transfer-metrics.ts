import { divUp, WAD } from "../fixed.ts";
import { type Formula, type Inputs, need } from "./metric.ts";

/** Metrics of one deposit or withdrawal, about the account that made it. */
export const TRANSFER_METRICS = {
  "AML.TRANSFER_AMOUNT": transfer("Amount of one transfer of crypto-assets"),
  "AML.TRAVEL_RULE_DATA_THRESHOLD": transfer("Amount of one transfer, against which data must travel with it"),
  "AML.SELF_HOSTED_TRANSFER": transfer(
    "Amount of one transfer from or to an address that no known provider holds; every account's address counts as one",
  ),
} satisfies Record<string, Formula>;

function transfer(title: string): Formula {
  return {
    title,
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    fraction: {
      of: (i: Inputs) => ({ numerator: need(i, "units") * need(i, "price"), denominator: WAD * WAD }),
      moves: { numerator: "fixed", denominator: "fixed" },
    },
    variants: [
      {
        formula: "units · price",
        inputs: ["units", "price"],
        evaluate: (i) => divUp(need(i, "units") * need(i, "price"), WAD),
      },
    ],
  };
}

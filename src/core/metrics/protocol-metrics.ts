import { divDown, max, WAD } from "../fixed.ts";
import { type Formula, type Fraction, type Inputs, members, need, type Value } from "./metric.ts";

const COVER_INPUTS = ["prefunded", "loss1.*", "loss2.*", "loss3.*"] as const;

/**
 * A protocol as a clearing venue. `loss1.*` to `loss3.*` are, by scenario, the three largest losses of its accounts
 * beyond their collateral; a protocol whose accounts lose nothing in any scenario has `NO_POSITION`.
 */
export const PROTOCOL_METRICS = {
  "PRT.COVER1": cover({
    title: "Prefunded resources over the largest loss of one participant in any scenario",
    formula: "prefunded / max(loss1) over scenarios",
    losses: (i, scenario) => need(i, `loss1.${scenario}`),
  }),
  "PRT.COVER2": cover({
    title: "Prefunded resources over the largest loss of two participants in any scenario",
    formula: "prefunded / max(loss1 + loss2) over scenarios",
    losses: (i, scenario) => need(i, `loss1.${scenario}`) + need(i, `loss2.${scenario}`),
  }),
  "PRT.DF_COVER_EMIR": cover({
    title: "Prefunded resources over the larger of the largest loss and the next two together, in any scenario",
    formula: "prefunded / max(loss1, loss2 + loss3) over scenarios",
    losses: (i, scenario) =>
      max(need(i, `loss1.${scenario}`), need(i, `loss2.${scenario}`) + need(i, `loss3.${scenario}`)),
  }),
  "PRT.SOCIALISED_LOSS_30D": {
    title: "Bad debt of the last 30 days that the fund did not bear",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: {
      of: (i) => ({ numerator: max(0n, need(i, "badDebt") - need(i, "fundBorne")), denominator: WAD }),
      moves: { numerator: "fixed", denominator: "fixed" },
    },
    variants: [
      {
        formula: "max(0, badDebt − fundBorne)",
        inputs: ["badDebt", "fundBorne"],
        evaluate: (i) => max(0n, need(i, "badDebt") - need(i, "fundBorne")),
      },
    ],
  },
} satisfies Record<string, Formula>;

/** @see EMIR Articles 42(3) and 43(2); PFMI Principle 4, Key Consideration 4 */
function cover({
  title,
  formula,
  losses,
}: {
  title: string;
  formula: string;
  losses: (i: Inputs, scenario: string) => bigint;
}): Formula {
  const fraction: Fraction = {
    of: (i) => ({
      numerator: need(i, "prefunded"),
      denominator: members(i, "loss1").reduce((worst, scenario) => max(worst, losses(i, scenario)), 0n),
    }),
    moves: { numerator: "exposure", denominator: "exposure" },
  };
  const evaluate = (i: Inputs): Value => {
    const { numerator, denominator } = fraction.of(i);
    if (denominator > 0n) return divDown(numerator * WAD, denominator);
    // A fund that owes covers nothing, not even no loss: the sign decides the condition.
    return numerator < 0n ? "UNDEFINED_AT_ZERO" : "NO_POSITION";
  };
  return {
    ...{ title, unit: "ratio", rounding: "down", authority: "regulatory text", fraction },
    variants: [{ formula, inputs: COVER_INPUTS, evaluate }],
  };
}

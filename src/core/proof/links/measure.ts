/**
 * Links of what was measured: the inputs are what the views state, the figure follows from them, and the condition from
 * the figure.
 */
import { KERNEL_VERSION } from "../../assessment.ts";
import { isMetricId, METRICS, metricId } from "../../metrics/catalogue.ts";
import { compute } from "../../metrics/compute.ts";
import type { InputsOf } from "../../metrics/inputs.ts";
import { compareKeys } from "../../order.ts";
import { readInputs } from "../../rules/reassess.ts";
import { type Finding, holds, type Reassessment, refuted, unsettled } from "../verification.ts";
import type { Claim, Context } from "./context.ts";

const FIGURE = ["metric", "measured", "reason", "decimals", "unit"] as const;

/** Whether the metric, computed again from the inputs, comes to what is claimed. */
export async function checkMetric(context: Context): Promise<Finding> {
  const { claim, sealed } = context;
  if (claim.kernel !== KERNEL_VERSION) {
    return unsettled(`The figure was made by ${claim.kernel}; this verifier can only apply ${KERNEL_VERSION} again.`);
  }
  const derived = await derivedInputs(context);
  const fault = derived === null ? null : (inputFault(claim, derived) ?? unitFault(context));
  if (fault !== null) return refuted(fault);
  // A record without inputs may say why it has none. Where the views give none there is nothing unknown about it.
  const measured = sealed === null || derived !== null ? [measuredAgain(claim)] : [];
  for (const again of sealed === null ? measured : [context.again(), ...measured]) {
    const wrong = FIGURE.find((field) => again[field] !== claim[field]);
    if (wrong === undefined) continue;
    return refuted(`From the recorded inputs ${wrong} is ${again[wrong]}, where ${claim[wrong]} is claimed.`);
  }
  const value = claim.measured === null ? `unknown (${claim.reason})` : claim.measured;
  const inputs = derived === null ? "the recorded inputs" : "inputs that the protocol's own views state";
  return holds(`${claim.metric} computed again from ${inputs} is ${value}, as is claimed.`);
}

/** Whether the rule, applied again, comes to what the assessment says. */
export function checkRule({ sealed, again: measure }: Context): Finding {
  if (sealed === null) return unsettled("Not needed: nothing is said of a condition.");
  const { body } = sealed.bundle.assessment;
  if (body.kernel !== KERNEL_VERSION) return unsettled(`The rule was applied by ${body.kernel}.`);
  const again = measure();
  const wrong = (["operator", "threshold", "condition"] as const).find((k) => again[k] !== body[k]);
  if (wrong !== undefined) {
    return refuted(`By rule ${body.ruleId} ${wrong} is ${again[wrong]}, where the assessment says ${body[wrong]}.`);
  }
  return holds(`Rule ${body.ruleId} (${body.operator} ${body.threshold}) applied again gives ${body.condition}.`);
}

/** What the views state; null when they could not be asked, which its own link has reported. */
async function derivedInputs({ evidence, run }: Context): Promise<InputsOf | null> {
  if (evidence?.kind !== "calls") return null;
  try {
    return (await run()).result;
  } catch {
    return null;
  }
}

/** How the recorded inputs differ from those the views state, name by name; null when they do not. */
function inputFault({ inputs: recorded }: Claim, { inputs, reason }: InputsOf): string | null {
  if (inputs === null) return `The protocol's views give no inputs (${reason}), and so prove none.`;
  const names = new Set([...Object.keys(inputs), ...Object.keys(recorded)]);
  for (const name of [...names].sort(compareKeys)) {
    const stated = inputs[name]?.toString();
    if (stated === recorded[name]) continue;
    return `${name} is ${stated ?? "no input"} by the protocol's own views, where ${recorded[name] ?? "nothing"} is recorded.`;
  }
  return null;
}

/** Views state money in the settlement asset, whatever a record calls it. */
function unitFault({ claim, place }: Context): string | null {
  if (!isMetricId(claim.metric) || METRICS[claim.metric].unit !== "money") return null;
  const symbol = place().protocol?.settlement.symbol;
  return claim.unit === symbol ? null : `The protocol counts in ${symbol}, where ${claim.unit} is claimed.`;
}

function measuredAgain({ metric, inputs, unit }: Claim): Omit<Reassessment, "condition" | "operator" | "threshold"> {
  const { value, reason, decimals, unit: counted } = compute(metricId(metric), readInputs(inputs), unit);
  const measured = value === null ? null : value.toString();
  return { metric, measured, reason, decimals: decimals.toString(), unit: counted };
}

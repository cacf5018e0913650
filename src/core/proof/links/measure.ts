/**
 * Links of what was measured: the figure follows from its inputs, and the condition from the figure.
 */
import { KERNEL_VERSION } from "../../assessment.ts";
import { type Finding, holds, refuted, unsettled } from "../verification.ts";
import type { Context } from "./context.ts";

export function checkMetric({ claim, again: measure }: Context): Finding {
  if (claim.kernel !== KERNEL_VERSION) {
    return unsettled(`The figure was made by ${claim.kernel}; this verifier can only apply ${KERNEL_VERSION} again.`);
  }
  const again = measure();
  const wrong = (["metric", "measured", "reason", "decimals", "unit"] as const).find((k) => again[k] !== claim[k]);
  if (wrong !== undefined) {
    return refuted(`From the recorded inputs ${wrong} is ${again[wrong]}, where ${claim[wrong]} is claimed.`);
  }
  const value = claim.measured === null ? `unknown (${claim.reason})` : claim.measured;
  return holds(`${claim.metric} computed again from the recorded inputs is ${value}, as is claimed.`);
}

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

/**
 * The protocol's own views, run again over the proven state. Which are asked, and of whom, follows from what is claimed,
 * the rule and the deployment: a bundle does not say.
 */
import { InputError } from "../../errors.ts";
import { chainIdOf } from "../../ids.ts";
import type { InputsOf } from "../../metrics/inputs.ts";
import { derive } from "../derive.ts";
import { answerOver, requirePinned, type VerifiedRun } from "../verified-call.ts";
import type { Context } from "./context.ts";

/** @throws InputError when no view states such a figure, a call fails, or code is another than the deployment's. */
export async function runViews(context: Context): Promise<VerifiedRun<InputsOf>> {
  const { claim, trust } = context;
  const { deployment, protocol } = context.place();
  const { subject, account, metric } = claim;
  // Nothing is measured of an account that is not named by the subject, so a stray one would say anything.
  if (metric.startsWith("ACC.") ? account !== subject : metric.startsWith("AST.") && account !== null) {
    throw new InputError(`A figure of ${subject} is not one of the account ${account}.`);
  }
  const viewsOf = (name: string) => trust.adapterOf(name).views;
  const { ask, reason } = derive(claim, { rule: context.rule(), deployment, viewsOf });
  if (ask === null) throw new InputError(reason);
  const run = await answerOver(context.open(), { chainId: chainIdOf(claim.chain), ask });
  requirePinned(run.codeHashes, protocol?.codeHashes);
  return run;
}

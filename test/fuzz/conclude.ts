import type { Assessment } from "../../src/core/assessment.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { assessmentId } from "../../src/core/proof/ids.ts";
import { disclosedRulebook } from "../../src/core/rules/disclosure.ts";
import { reassess } from "../../src/core/rules/reassess.ts";

/** What an assessment's rule makes of its inputs, and its id: an assessment that contradicts itself nowhere. */
export function concluded(draft: Assessment, rulebook: Json): Assessment {
  const { metric, measured, reason, decimals, unit, condition, operator, threshold } = reassess(
    disclosedRulebook(rulebook),
    draft,
  );
  const assessment = { ...draft, metric, measured, reason, decimals, unit, condition, operator, threshold };
  return { ...assessment, id: assessmentId(assessment) };
}

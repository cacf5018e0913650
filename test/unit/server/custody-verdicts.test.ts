import { expect, test } from "vitest";
import { createJudge } from "../../../server/verdicts/verdicts.ts";
import type { Assessment } from "../../../src/core/assessment.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { RULEBOOK, sampleAssessment } from "../proof/sample.ts";

const judge = createJudge(scheduleOf(RULEBOOK), null);

function custody(changes: Partial<Assessment>): Assessment {
  return sampleAssessment({
    ...{ subject: `eip155:901/erc20:0x${"5a".repeat(20)}`, account: null, ruleId: "COLLATERAL-CUSTODY" },
    ...{ testPoint: "epoch:147", metric: "AST.CUSTODY_COVERAGE", threshold: "1", ...changes },
  });
}

test.each([
  ["not_met", null, "breach", "opens"],
  ["met", null, "compliant", "cures"],
  ["met", "UNDEFINED_AT_ZERO", "compliant", "cures"],
  ["unknown", "READ_REVERTED", "indeterminate", "holds"],
  ["unknown", "NOT_YET_READ", "indeterminate", "holds"],
] as const)("custody that is %s (%s) is %s and %s a breach, whoever asks", (condition, reason, outcome, effect) => {
  expect(judge(custody({ condition, reason }))).toMatchObject({
    ...{ outcome, effect, needsFacts: false, profile: "PROTOCOL", jurisdiction: "PROTOCOL" },
  });
});

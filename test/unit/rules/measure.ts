/** What a rule measures on figures as a margin model would state them. */
import type { MarketFigures } from "../../../src/core/margin-model.ts";
import { compute, unitOf } from "../../../src/core/metrics/compute.ts";
import {
  type AccountMetric,
  accountInputs,
  type HeldAccount,
  type HeldPosition,
  type InputsOf,
  type MetricOf,
  positionInputs,
} from "../../../src/core/metrics/figures.ts";
import { METRIC_DECIMALS } from "../../../src/core/metrics/metric.ts";
import { unknown } from "../../../src/core/result.ts";
import { type Measured, type Moment, testedMetric } from "../../../src/core/rules/assess.ts";
import { parametersOf } from "../../../src/core/rules/parameters.ts";
import type { Rule } from "../../../src/core/rules/rule.ts";

export function measurePosition(rule: Rule, at: HeldPosition & { testPoint: Moment; unit: string }): Measured {
  const metric = testedMetric(rule, at.testPoint);
  return measured({ metric, unit: at.unit, gathered: positionInputs(metric as MetricOf<"POS">, at) });
}

export function measureAccount(
  rule: Rule,
  { account, marketOf, unit }: HeldAccount & { marketOf: (key: string) => MarketFigures; unit: string },
): Measured {
  const metric = testedMetric(rule, "end");
  const { rates, counts } = parametersOf(rule, metric);
  return measured({
    metric,
    unit,
    gathered: accountInputs(metric as AccountMetric, { account, marketOf, rates, counts }),
  });
}

function measured({
  metric,
  unit,
  gathered,
}: {
  metric: Measured["metric"];
  unit: string;
  gathered: InputsOf;
}): Measured {
  const { inputs, reason } = gathered;
  if (inputs !== null) return { metric, inputs, result: compute(metric, inputs, unit) };
  return { metric, inputs: {}, result: unknown(reason, METRIC_DECIMALS, unitOf(metric, unit)) };
}

/** A protocol's resources against the losses its accounts would leave behind in a stress. */
import { max, min } from "../fixed.ts";
import type { Absorbers, Figure } from "../margin-model.ts";
import { gather, type InputsOf, type MetricOf, sumOf } from "./inputs.ts";

/** The three largest losses of one scenario, falling, each at least 0; or why they are unknown. */
export type StressedLosses = readonly [Figure, Figure, Figure];

/** What a protocol's metrics need, each for the metric that takes it. Money in the protocol's unit, 18 decimals. */
export type ProtocolContext = {
  absorbers: Absorbers;
  /** Losses by scenario: `largestLosses` of `MarginModel.equityUnder` over the accounts, at each shock of the rule. */
  losses?: ReadonlyMap<string, StressedLosses>;
  /** Bad debt of the last 30 days. */
  badDebt?: bigint;
};

/** The inputs of a protocol's metric. */
export function protocolInputs(metric: MetricOf<"PRT">, context: ProtocolContext): InputsOf {
  if (metric === "PRT.SOCIALISED_LOSS_30D") {
    const badDebt = context.badDebt ?? 0n;
    return gather({ badDebt, fundBorne: borneByFund(badDebt, context.absorbers.fund) });
  }
  const figures: Record<string, Figure> = { prefunded: prefunded(context.absorbers) };
  for (const [scenario, losses] of context.losses ?? []) {
    for (const [i, loss] of losses.entries()) figures[`loss${i + 1}.${scenario}`] = loss;
  }
  return gather(figures);
}

/** All that stands behind defaults by contract: the fund, and the pool where the contracts make one bear losses. */
function prefunded({ fund, pool }: Absorbers): Figure {
  return sumOf([fund, pool]);
}

/**
 * The three largest losses beyond collateral among accounts, from each one's equity in the stress. One unknown equity
 * makes them unknown, for the loss it hides may be the largest.
 */
export function largestLosses(equities: Iterable<Figure>): StressedLosses {
  let [first, second, third] = [0n, 0n, 0n];
  for (const equity of equities) {
    if (equity.value === null) return [equity, equity, equity];
    const loss = max(0n, -equity.value);
    if (loss > first) [first, second, third] = [loss, first, second];
    else if (loss > second) [second, third] = [loss, second];
    else if (loss > third) third = loss;
  }
  return [known(first), known(second), known(third)];
}

/**
 * What of a debt the fund has borne. A fund that stands below zero has only noted the rest; one at exactly zero cannot
 * be told from a protocol without a fund, and has borne nothing.
 */
function borneByFund(badDebt: bigint, fund: Figure): Figure {
  if (fund.value === null) return fund;
  return known(fund.value === 0n ? 0n : max(0n, badDebt + min(0n, fund.value)));
}

function known(value: bigint): Figure {
  return { value, reason: null };
}

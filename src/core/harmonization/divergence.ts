/**
 * Divergence: what passes in one jurisdiction and fails in another at the same moment, and how far apart the leverage is
 * that they allow for one underlier.
 */
import { compareKeys } from "../order.ts";
import type { Outcome } from "../rules/judge.ts";
import type { Rulebook } from "../rules/rule.ts";
import { cellOf, compose } from "./cell.ts";
import type { HypotheticalFinding } from "./finding.ts";
import { type GapStep, gapHistory, type LeverageGap, leverageGap, type ScopedProduct } from "./leverage.ts";
import { aboutPosition, type OpenPosition } from "./matrix.ts";
import type { Role } from "./roles.ts";

/** What each role's jurisdiction says of one position, and the rule that binds there. */
export type Standing = {
  position: OpenPosition;
  outcomes: readonly { jurisdiction: string; outcome: Outcome; prohibited: boolean; ruleId: string | null }[];
};

/** Number of positions and their notional in US dollars, 18 decimals; those whose notional is unknown are in `count` alone. */
export type Tally = { count: number; unpriced: number; notional: bigint };

/** Positions that comply in one jurisdiction and are in breach in another. */
export type DivergencePair = Tally & { passesIn: string; failsIn: string };

/** How the positions stand in one jurisdiction. Neither `indeterminate` nor `notApplicable` is a pass or a fail. */
export type JurisdictionTally = {
  jurisdiction: string;
  clientClass: string | null;
  compliant: Tally;
  breach: Tally;
  indeterminate: Tally;
  notApplicable: Tally;
};

/** The gap in allowed leverage over one underlier, now and as it came about, with what is open in it. */
export type UnderlierGap = LeverageGap & {
  underlier: string;
  product: ScopedProduct;
  open: Tally;
  history: readonly GapStep[];
};

export type Divergence = {
  positions: Tally;
  /** Positions that pass somewhere and fail somewhere else. */
  divergent: Tally;
  jurisdictions: readonly JurisdictionTally[];
  /** Largest notional first. */
  pairs: readonly DivergencePair[];
  /** The divergent positions of largest notional, at most `limit`. */
  largest: readonly Standing[];
  gaps: readonly UnderlierGap[];
};

/** How each of an account's open positions stands under every role; one role a jurisdiction. */
export function standingsOf(
  { positions, findings }: { positions: readonly OpenPosition[]; findings: readonly HypotheticalFinding[] },
  roles: readonly Role[],
): Standing[] {
  return positions.map((position) => {
    const about = aboutPosition(findings, position);
    const outcomes = roles.map((role) => {
      const { outcome, prohibited, binding } = compose(about.flatMap((finding) => cellOf(finding, role) ?? []));
      return { jurisdiction: role.jurisdiction, outcome, prohibited, ruleId: binding?.ruleId ?? null };
    });
    return { position, outcomes };
  });
}

/** Adds standings up. `day` is that of the rules; at most `limit` positions are named. */
export function divergenceOf(
  rulebook: Rulebook,
  {
    standings,
    roles,
    day,
    limit,
  }: { standings: readonly Standing[]; roles: readonly Role[]; day: string; limit: number },
): Divergence {
  const divergent = standings.filter(diverges);
  return {
    positions: tallyOf(standings),
    divergent: tallyOf(divergent),
    jurisdictions: roles.map((role) => jurisdictionTally(standings, role)),
    pairs: pairsOf(divergent),
    largest: [...divergent].sort(byNotional).slice(0, limit),
    gaps: gapsOf(rulebook, { standings, roles, day }),
  };
}

function diverges({ outcomes }: Standing): boolean {
  return outcomes.some((o) => o.outcome === "compliant") && outcomes.some((o) => o.outcome === "breach");
}

function jurisdictionTally(standings: readonly Standing[], { jurisdiction, clientClass }: Role): JurisdictionTally {
  const standing = (outcome: Outcome) =>
    tallyOf(
      standings.filter(({ outcomes }) =>
        outcomes.some((o) => o.jurisdiction === jurisdiction && o.outcome === outcome),
      ),
    );
  return {
    jurisdiction,
    clientClass,
    compliant: standing("compliant"),
    breach: standing("breach"),
    indeterminate: standing("indeterminate"),
    notApplicable: standing("not_applicable"),
  };
}

function pairsOf(divergent: readonly Standing[]): DivergencePair[] {
  const pairs = new Map<string, { passesIn: string; failsIn: string; standings: Standing[] }>();
  for (const standing of divergent) {
    for (const { jurisdiction: passesIn, outcome } of standing.outcomes) {
      if (outcome !== "compliant") continue;
      for (const { jurisdiction: failsIn, outcome: other } of standing.outcomes) {
        if (other !== "breach") continue;
        const key = `${passesIn} ${failsIn}`;
        const pair = pairs.get(key) ?? { passesIn, failsIn, standings: [] };
        pair.standings.push(standing);
        pairs.set(key, pair);
      }
    }
  }
  return [...pairs.values()]
    .map(({ passesIn, failsIn, standings }) => ({ passesIn, failsIn, ...tallyOf(standings) }))
    .sort((a, b) =>
      a.notional === b.notional
        ? compareKeys(`${a.passesIn} ${a.failsIn}`, `${b.passesIn} ${b.failsIn}`)
        : a.notional > b.notional
          ? -1
          : 1,
    );
}

function gapsOf(
  rulebook: Rulebook,
  { standings, roles, day }: { standings: readonly Standing[]; roles: readonly Role[]; day: string },
): UnderlierGap[] {
  const groups = new Map<string, Standing[]>();
  for (const standing of standings) {
    const { underlier, product } = standing.position;
    const key = `${underlier} ${product.kind} ${product.underlierClass}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [standing]);
    else group.push(standing);
  }
  return [...groups]
    .sort(([a], [b]) => compareKeys(a, b))
    .map(([, group]) => {
      const { underlier, product } = (group[0] as Standing).position;
      const gap = leverageGap(rulebook, { roles, product, day });
      return { underlier, product, open: tallyOf(group), ...gap, history: gapHistory(rulebook, { roles, product }) };
    });
}

function tallyOf(standings: readonly Standing[]): Tally {
  const tally: Tally = { count: 0, unpriced: 0, notional: 0n };
  for (const { position } of standings) {
    tally.count += 1;
    if (position.notional === null) tally.unpriced += 1;
    else tally.notional += position.notional;
  }
  return tally;
}

function byNotional(a: Standing, b: Standing): number {
  const [x, y] = [a.position.notional ?? -1n, b.position.notional ?? -1n];
  return x === y ? compareKeys(a.position.id, b.position.id) : x > y ? -1 : 1;
}

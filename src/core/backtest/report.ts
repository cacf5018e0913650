import { formatDecimal, max } from "../fixed.ts";
import type { Hex } from "../ids.ts";
import { compareKeys } from "../order.ts";
import { type Rule, type Rulebook, unconfirmed } from "../rules/rule.ts";
import type { ChainBacktest } from "./backtest.ts";
import { type BlockRange, boundText } from "./range.ts";
import type { Counts, RuleTally, Touched } from "./tally.ts";

const BACKTEST_FORMAT = "plumbline-backtest/1";

/**
 * What changes hands. `accounts` counts accounts of one chain each; `notional` is USD as a plain decimal: of every
 * subject its largest at a change, of every account the most any rule counts. `notionalUnknownFor` subjects are not in it.
 */
export type Changes = {
  gained: number;
  lost: number;
  accounts: number;
  notional: string;
  notionalUnknownFor: number;
};

/** What a change of the rulebook does to the answers of one rule. */
export type RuleReport = Changes & {
  rule: string;
  title: string;
  unconfirmed: boolean;
  /** Assessments made under each rulebook. */
  tested: Counts;
  against: Counts;
};

/** What it does to those of a jurisdiction, rule by rule. */
export type JurisdictionReport = Changes & { jurisdiction: string; rules: readonly RuleReport[] };

/** A backtest over all its chains, JSON all through. Jurisdictions and rules are in raw-byte order. */
export type BacktestReport = Changes & {
  format: typeof BACKTEST_FORMAT;
  rulebook: { hash: Hex; version: string };
  against: { hash: Hex; version: string };
  from: string | null;
  to: string | null;
  chains: readonly {
    chain: string;
    fromBlock: string | null;
    toBlock: string | null;
    toHash: Hex | null;
    blocks: number;
  }[];
  jurisdictions: readonly JurisdictionReport[];
};

type Settings = { rulebook: Rulebook; against: Rulebook; range: BlockRange };
type Merged = RuleTally & { rule: Rule };

/** Puts the backtests of several chains into one report. Chains are sorted; the same findings give the same report. */
export function reportOf(found: readonly ChainBacktest[], { rulebook, against, range }: Settings): BacktestReport {
  const chains = [...found].sort((a, b) => compareKeys(a.chain, b.chain));
  const rules = mergeRules(chains, [rulebook, against]);
  const jurisdictions = [...new Set(rules.map(({ rule }) => rule.jurisdiction))].sort(compareKeys);
  return {
    format: BACKTEST_FORMAT,
    rulebook: { hash: rulebook.hash, version: rulebook.version },
    against: { hash: against.hash, version: against.version },
    from: range.from === null ? null : boundText(range.from),
    to: range.to === null ? null : boundText(range.to),
    ...changesOf(rules),
    chains: chains.map(({ chain, from, to, blocks }) => ({
      chain,
      fromBlock: from?.number.toString() ?? null,
      toBlock: to?.number.toString() ?? null,
      toHash: to?.hash ?? null,
      blocks,
    })),
    jurisdictions: jurisdictions.map((jurisdiction) => {
      const own = rules.filter(({ rule }) => rule.jurisdiction === jurisdiction);
      return { jurisdiction, ...changesOf(own), rules: own.map(ruleReport) };
    }),
  };
}

function ruleReport(tally: Merged): RuleReport {
  const { rule, counts } = tally;
  return {
    ...{ rule: rule.id, title: rule.title, unconfirmed: unconfirmed(rule) },
    ...changesOf([tally]),
    ...counts,
  };
}

/** Subjects are of one chain each, so that tallies of several chains never meet. */
function mergeRules(chains: readonly ChainBacktest[], rulebooks: readonly Rulebook[]): Merged[] {
  const merged = new Map<string, Merged>();
  for (const tally of chains.flatMap(({ rules }) => rules)) {
    const rule = rulebooks.flatMap(({ rules }) => rules).find(({ id }) => id === tally.ruleId) as Rule;
    const known = merged.get(tally.ruleId);
    merged.set(tally.ruleId, known === undefined ? { ...tally, rule } : { ...sum(known, tally), rule });
  }
  return [...merged.values()].sort((a, b) => compareKeys(a.ruleId, b.ruleId));
}

function sum(a: RuleTally, b: RuleTally): RuleTally {
  return {
    ruleId: a.ruleId,
    gained: a.gained + b.gained,
    lost: a.lost + b.lost,
    counts: {
      tested: addCounts(a.counts.tested, b.counts.tested),
      against: addCounts(a.counts.against, b.counts.against),
    },
    touched: new Map([...a.touched, ...b.touched]),
  };
}

function addCounts(a: Counts, b: Counts): Counts {
  return { met: a.met + b.met, not_met: a.not_met + b.not_met, unknown: a.unknown + b.unknown };
}

function changesOf(tallies: readonly RuleTally[]): Changes {
  const byAccount = new Map<string, bigint>();
  const accounts = new Set<string>();
  const without = new Set<string>();
  for (const { touched } of tallies) {
    for (const { key, account, notional } of held(touched)) {
      accounts.add(account);
      if (notional === null) without.add(key);
    }
    for (const [owner, notional] of sums(touched)) byAccount.set(owner, max(byAccount.get(owner) ?? 0n, notional));
  }
  const total = [...byAccount.values()].reduce((a, b) => a + b, 0n);
  return {
    gained: tallies.reduce((n, tally) => n + tally.gained, 0),
    lost: tallies.reduce((n, tally) => n + tally.lost, 0),
    accounts: accounts.size,
    notional: formatDecimal(total, 18),
    notionalUnknownFor: without.size,
  };
}

/** One rule's notional by protocol and account: what its positions add up to, or the account as a whole. */
function sums(touched: ReadonlyMap<string, Touched>): Map<string, bigint> {
  const byOwner = new Map<string, bigint>();
  for (const { key, account, notional } of held(touched)) {
    const owner = `${key.slice(0, key.indexOf("|"))}|${account}`;
    byOwner.set(owner, (byOwner.get(owner) ?? 0n) + (notional ?? 0n));
  }
  return byOwner;
}

/** Subjects somebody holds; a market or protocol has no notional of its own here. */
function held(touched: ReadonlyMap<string, Touched>): { key: string; account: string; notional: bigint | null }[] {
  return [...touched].flatMap(([key, { account, notional }]) => (account === null ? [] : [{ key, account, notional }]));
}

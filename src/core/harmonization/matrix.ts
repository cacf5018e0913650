/**
 * The matrix: one subject under the rules of many jurisdictions at once, as if its holder were in each of many roles.
 * Everything here is hypothetical; none of it is sealed, alerted or stored.
 */
import { formatDecimal, parseDecimal } from "../fixed.ts";
import { inScope, type Rulebook, unconfirmed } from "../rules/rule.ts";
import { type Cell, type Citation, type Composition, cellOf, citationOf, compose } from "./cell.ts";
import type { HypotheticalFinding } from "./finding.ts";
import { type Allowance, allowedLeverage, type ScopedProduct } from "./leverage.ts";
import type { Role } from "./roles.ts";

const WAD_DECIMALS = 18;

/** An open position, as far as comparing regimes needs it. `notional` in US dollars with 18 decimals, null with a reason. */
export type OpenPosition = {
  id: string;
  account: string;
  protocol: string;
  market: string;
  symbol: string;
  underlier: string;
  product: ScopedProduct;
  side: string;
  notional: bigint | null;
  reason: string | null;
};

/** The most leverage a jurisdiction allows a role in one position's product, as a decimal string: `"2"` is 2:1. */
export type LeverageCap = {
  underlier: string;
  underlierClass: string;
  kind: string;
  allowedLeverage: string | null;
  prohibited: boolean;
  reason: string | null;
  ruleId: string | null;
  citation: Citation | null;
  unconfirmed: boolean | null;
};

/** One row: one role. `allowedLeverage` is the least of `leverageCaps`, null where there is none. */
export type MatrixRow = Composition & {
  jurisdiction: string;
  clientClass: string | null;
  entityClass: string | null;
  allowedLeverage: string | null;
  leverageCaps: readonly LeverageCap[];
  cells: readonly Cell[];
};

/** The rows, and what all of them come to when every one of them must be kept. */
export type Matrix = { rows: readonly MatrixRow[]; strictest: Strictest };

/** All rows composed. `jurisdictions` are those whose row has the strictest outcome. */
export type Strictest = Composition & { jurisdictions: readonly string[]; allowedLeverage: string | null };

/** What a matrix is made of: findings on one account and its open positions, all of one day. */
export type MatrixSubject = {
  positions: readonly OpenPosition[];
  findings: readonly HypotheticalFinding[];
  day: string;
};

/** The matrix of a subject over roles. Rows come in the order of the roles, cells in the rulebook's order. */
export function matrixOf(
  rulebook: Rulebook,
  { positions, findings, day, roles }: MatrixSubject & { roles: readonly Role[] },
): Matrix {
  const order = new Map(rulebook.rules.map((rule, i) => [rule, i]));
  const sorted = [...findings].sort((a, b) => (order.get(a.rule) ?? 0) - (order.get(b.rule) ?? 0));
  const rows = roles.map((role) => rowOf(rulebook, { positions, findings: sorted, day, role }));
  const all = compose(rows.flatMap((row) => row.cells));
  const deciding = rows.filter((row) => row.outcome === all.outcome && row.outcome !== "not_applicable");
  const jurisdictions = [...new Set(deciding.map((row) => row.jurisdiction))];
  return { rows, strictest: { ...all, jurisdictions, allowedLeverage: least(rows.map((row) => row.allowedLeverage)) } };
}

/**
 * What of an account's findings is about one of its positions: its own and, of rules that cover its product, those of its
 * account, market and protocol.
 */
export function aboutPosition(
  findings: readonly HypotheticalFinding[],
  position: Pick<OpenPosition, "id" | "account" | "protocol" | "market" | "product">,
): HypotheticalFinding[] {
  const { id, account, protocol, market, product } = position;
  const around = [account, market, protocol];
  return findings.filter(
    ({ rule, subject, protocol: where }) =>
      where === protocol && (subject === id || (around.includes(subject) && inScope(rule, product))),
  );
}

function rowOf(rulebook: Rulebook, { positions, findings, day, role }: MatrixSubject & { role: Role }): MatrixRow {
  const cells = findings.flatMap((finding) => cellOf(finding, role) ?? []);
  const caps = distinctProducts(positions).map(({ underlier, product }) =>
    capOf(allowedLeverage(rulebook, { role, product, day }), { underlier, product }),
  );
  const { jurisdiction, clientClass, entityClass } = role;
  const allowed = least(caps.map((cap) => cap.allowedLeverage));
  return {
    jurisdiction,
    clientClass,
    entityClass,
    ...compose(cells),
    allowedLeverage: allowed,
    leverageCaps: caps,
    cells,
  };
}

function capOf(allowance: Allowance, about: { underlier: string; product: ScopedProduct }): LeverageCap {
  const { leverage, prohibited, reason, rule } = allowance;
  return {
    underlier: about.underlier,
    underlierClass: about.product.underlierClass,
    kind: about.product.kind,
    allowedLeverage: leverage === null ? null : formatDecimal(leverage, WAD_DECIMALS),
    ...{ prohibited, reason },
    ruleId: rule?.id ?? null,
    citation: rule === null ? null : citationOf(rule),
    unconfirmed: rule === null ? null : unconfirmed(rule),
  };
}

/** Underliers and products held, each once. */
function distinctProducts(positions: readonly OpenPosition[]): { underlier: string; product: ScopedProduct }[] {
  const found = new Map(
    positions.map(({ underlier, product }) => [
      `${underlier} ${product.kind} ${product.underlierClass}`,
      { underlier, product },
    ]),
  );
  return [...found.values()];
}

function least(leverages: readonly (string | null)[]): string | null {
  const wad = (text: string) => parseDecimal(text, WAD_DECIMALS);
  const stated = leverages.filter((text): text is string => text !== null);
  return stated.length === 0 ? null : stated.reduce((a, b) => (wad(b) < wad(a) ? b : a));
}

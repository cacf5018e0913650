/**
 * Regulatory margin side by side: what an account would have to post by the standard schedule, and what its collateral
 * would count for under each official treatment. Where authorities differ (ineligible, 20 %, 100 %), nothing is averaged.
 */
import type { CollateralClass } from "../collateral-class.ts";
import { parseDecimal } from "../fixed.ts";
import type { AccountFigures, Figure, MarketFigures } from "../margin-model.ts";
import type { Posted } from "../metrics/collateral-inputs.ts";
import { compute, unitOf } from "../metrics/compute.ts";
import { accountInputs } from "../metrics/figures.ts";
import { type InputsOf, without } from "../metrics/inputs.ts";
import { METRIC_DECIMALS } from "../metrics/metric.ts";
import { grossCollateral } from "../metrics/regulatory-margin.ts";
import { type Metric, unknown } from "../result.ts";
import { inForce } from "../rules/day.ts";
import { type Rule, type Rulebook, unconfirmed } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import { rulebookFile } from "../rules/rule-row.ts";
import type { Haircuts } from "../rules/tables.ts";
import { type Citation, citationOf } from "./cell.ts";

/** Jurisdiction of the international standard, whose schedule stands in where a jurisdiction's own was not found. */
const STANDARD = "INT";

/** An account in one protocol. */
export type MarginSubject = {
  account: AccountFigures;
  marketOf: (key: string) => MarketFigures;
  posted: Posted;
  /** The settlement asset, in which everything is counted. */
  unit: string;
};

/** One rule as the authority for a number. */
export type CitedRule = { ruleId: string; title: string; citation: Citation; status: string; unconfirmed: boolean };

/** How a treatment takes one class of collateral that is held: its haircut with 18 decimals, or that it is not eligible. */
export type ClassTreatment = {
  asset: string;
  class: CollateralClass | null;
  treatment: "haircut" | "ineligible" | "not stated";
  haircut: bigint | null;
};

/** One official treatment. `required` is by the jurisdiction's schedule; `shortfall` what is missing of it. */
export type Treatment = {
  jurisdiction: string;
  /** Name of the table in the jurisdiction's file, its title, where it stands, and what to know of it. */
  table: string;
  title: string;
  citation: Citation;
  note: string;
  /** The rules that name the table; none where it was read and no rule here asks by it. */
  rules: readonly CitedRule[];
  assets: readonly ClassTreatment[];
  adjusted: Metric;
  schedule: CitedRule | null;
  required: Metric;
  shortfall: Metric;
};

/** All treatments of one account's collateral, before any of them `collateral`. */
export type RegulatoryMargin = { unit: string; collateral: Figure; treatments: readonly Treatment[] };

type Terms = {
  jurisdiction: string;
  table: string;
  title: string;
  citation: Citation;
  note: string;
  rules: readonly Rule[];
  haircuts: Haircuts | null;
  eligible: ReadonlySet<CollateralClass> | null;
};

/** Regulatory margin under every treatment of collateral in the rulebook as of `day`, in its order. */
export function regulatoryMargin(
  rulebook: Rulebook,
  { subject, day }: { subject: MarginSubject; day: string },
): RegulatoryMargin {
  const rules = rulebook.rules.filter((rule) => inForce(validity(rule), day));
  const treatments = treatmentsOf(rulebook, day).map((terms) => treated(terms, { rules, subject }));
  return { unit: subject.unit, collateral: grossCollateral(subject.posted.holdings()), treatments };
}

/**
 * Every table of haircuts or eligible classes is a treatment. One that rules name is in force with them; one that no rule
 * names is a list that was read and is shown as such.
 */
function treatmentsOf(rulebook: Rulebook, day: string): Terms[] {
  return tablesOf(rulebook).flatMap((terms): Terms[] => {
    const naming = rulebook.rules.filter(
      ({ jurisdiction, haircuts, eligible }) =>
        jurisdiction === terms.jurisdiction && (haircuts === terms.table || eligible === terms.table),
    );
    const rules = naming.filter((rule) => inForce(validity(rule), day));
    return naming.length > 0 && rules.length === 0 ? [] : [{ ...terms, rules }];
  });
}

type Table = Omit<Terms, "rules">;

/** Tables by rulebook, read once: a rulebook never changes. */
const known = new WeakMap<Rulebook, readonly Table[]>();

function tablesOf(rulebook: Rulebook): readonly Table[] {
  let tables = known.get(rulebook);
  if (tables === undefined) {
    const { files } = rulebook.source as { files: Record<string, unknown> };
    tables = Object.values(files).flatMap(tablesIn);
    known.set(rulebook, tables);
  }
  return tables;
}

/** The tables of one file; none of a file of scenarios. */
function tablesIn(file: unknown): Table[] {
  const parsed = rulebookFile.safeParse(file);
  if (!parsed.success) return [];
  const { jurisdiction, tables } = parsed.data;
  return Object.entries(tables).flatMap(([table, { title, legalBasis, source, note, haircuts, eligible }]): Table[] => {
    if (haircuts === undefined && eligible === undefined) return [];
    const rates =
      haircuts &&
      Object.entries(haircuts).map(([name, text]) => [name, parseDecimal(text as string, METRIC_DECIMALS)] as const);
    const citation = { ...legalBasis, source };
    return [
      {
        ...{ jurisdiction, table, title, citation, note },
        haircuts: rates === undefined ? null : (new Map(rates) as Haircuts),
        eligible: eligible === undefined ? null : new Set(eligible),
      },
    ];
  });
}

function treated(terms: Terms, { rules, subject }: { rules: readonly Rule[]; subject: MarginSubject }): Treatment {
  const { jurisdiction, table, title, citation, note, haircuts, eligible } = terms;
  const { account, marketOf, posted, unit } = subject;
  const schedule = scheduleOf(rules, jurisdiction);
  const required: InputsOf =
    schedule === null
      ? without("NO_RATE")
      : accountInputs("ACC.IM_REQ_REG", { account, marketOf, rates: schedule.rates });
  const currencyHaircut = mismatchHaircut(rules, jurisdiction);
  const adjusted = accountInputs("ACC.COLLATERAL_ADJ", {
    account,
    marketOf,
    posted,
    haircuts,
    eligible,
    currencyHaircut,
  });
  const figures = {
    required: figureOf("ACC.IM_REQ_REG", required, unit),
    adjusted: figureOf("ACC.COLLATERAL_ADJ", adjusted, unit),
  };
  return {
    ...{ jurisdiction, table, title, citation, note },
    rules: terms.rules.map(cited),
    assets: assetsOf(terms, posted),
    schedule: schedule === null ? null : cited(schedule),
    ...figures,
    shortfall: figureOf("ACC.REG_SHORTFALL", both(figures), unit),
  };
}

/** The rule whose schedule a jurisdiction's margin is worked out by: its own, else the standard's. */
function scheduleOf(rules: readonly Rule[], jurisdiction: string): Rule | null {
  const stating = rules.filter((rule) => rule.metric === "CPT.UNMARGINED_IM" && rule.rates !== null);
  const own = stating.find((rule) => rule.jurisdiction === jurisdiction);
  return own ?? stating.find((rule) => rule.jurisdiction === STANDARD) ?? null;
}

/** The further haircut for a mismatch of currencies; where a jurisdiction states none, there is none. */
function mismatchHaircut(rules: readonly Rule[], jurisdiction: string): bigint {
  const stating = rules.find((rule) => rule.jurisdiction === jurisdiction && rule.metric === "ACC.FX_MISMATCH_HAIRCUT");
  return stating?.thresholdWad ?? 0n;
}

function assetsOf({ haircuts, eligible }: Terms, { holdings, assetOf }: Posted): ClassTreatment[] {
  return holdings().flatMap(({ asset, value }): ClassTreatment[] => {
    if (value.value !== null && value.value <= 0n) return [];
    const collateralClass = assetOf(asset)?.class ?? null;
    const held = { asset, class: collateralClass };
    if (collateralClass === null) return [{ ...held, treatment: "not stated", haircut: null }];
    if (eligible !== null && !eligible.has(collateralClass))
      return [{ ...held, treatment: "ineligible", haircut: null }];
    const haircut = haircuts?.get(collateralClass) ?? null;
    return [{ ...held, treatment: haircut === null ? "not stated" : "haircut", haircut }];
  });
}

type RegulatoryMetric = "ACC.IM_REQ_REG" | "ACC.COLLATERAL_ADJ" | "ACC.REG_SHORTFALL";

function figureOf(metric: RegulatoryMetric, { inputs, reason }: InputsOf, unit: string): Metric {
  return inputs === null ? unknown(reason, METRIC_DECIMALS, unitOf(metric, unit)) : compute(metric, inputs, unit);
}

function both({ required, adjusted }: { required: Metric; adjusted: Metric }): InputsOf {
  if (required.value === null) return without(required.reason);
  if (adjusted.value === null) return without(adjusted.reason);
  return { inputs: { required: required.value, adjusted: adjusted.value }, reason: null };
}

function cited(rule: Rule): CitedRule {
  const { id, title, status } = rule;
  return { ruleId: id, title, citation: citationOf(rule), status, unconfirmed: unconfirmed(rule) };
}

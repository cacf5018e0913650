/**
 * Classification as an output of rules: what a jurisdiction calls a contract and the collateral behind it, each with the
 * rule that says so.
 */
import type { CollateralClass } from "../collateral-class.ts";
import type { AssetDeployment, MarketFigures } from "../margin-model.ts";
import { compute } from "../metrics/compute.ts";
import { marketInputs } from "../metrics/figures.ts";
import { type Sco60Group, sco60Group } from "../metrics/sco60.ts";
import { inForce } from "../rules/day.ts";
import { applies, inScope, type Rule, type Rulebook, unconfirmed } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import { type Citation, citationOf } from "./cell.ts";

/** One rule's word on a class. `holds` says whether what is classified is in it; null with a reason where unknown. */
export type ClassStatement = {
  jurisdiction: string;
  class: string;
  holds: boolean | null;
  reason: string | null;
  ruleId: string;
  title: string;
  citation: Citation;
  status: string;
  unconfirmed: boolean;
};

/**
 * One asset that is accepted as collateral. `class` is what the deployment states; null where it states none. The SCO60
 * group is the one the class is a candidate for; `treatments` say how rules take the class.
 */
export type AssetClassification = {
  asset: string;
  class: CollateralClass | null;
  sco60Group: Sco60Group | null;
  riskWeights: readonly (ClassStatement & { weight: string })[];
  eligibility: readonly ClassStatement[];
};

/** What rules in force on a day make of one market and of the collateral of its protocol. */
export type Classification = {
  contract: readonly ClassStatement[];
  assets: readonly AssetClassification[];
};

/** What is classified: a market, and the assets its protocol takes. */
export type Classified = { market: MarketFigures; assets: readonly AssetDeployment[] };

type Occasion = { rulebook: Rulebook; day: string; jurisdictions: ReadonlySet<string> };

/** Classifies a market's contract and collateral by the rules of the selected jurisdictions. */
export function classify({ market, assets }: Classified, occasion: Occasion): Classification {
  const rules = occasion.rulebook.rules.filter(
    (rule) => occasion.jurisdictions.has(rule.jurisdiction) && inForce(validity(rule), occasion.day),
  );
  return {
    contract: rules
      .filter((rule) => applies(rule, { product: market.product, day: occasion.day }))
      .flatMap((rule) => contractStatement(rule, market)),
    assets: assets.map((asset) => classifyAsset(asset, { rules, market })),
  };
}

function contractStatement(rule: Rule, market: MarketFigures): ClassStatement[] {
  if (rule.metric === "CLASS.IS_CFD") return [stated(rule, { name: "CFD", holds: isTrue(rule, market) })];
  if (rule.metric === "CLASS.UNDERLIER_IN") {
    return [stated(rule, { name: `underlier in ${rule.threshold}`, holds: isTrue(rule, market) })];
  }
  return [];
}

function isTrue(rule: Rule, market: MarketFigures): boolean {
  const metric = rule.metric === "CLASS.IS_CFD" ? "CLASS.IS_CFD" : "CLASS.UNDERLIER_IN";
  const gathered = marketInputs(metric, market, { book: "pool", liquidatable: [], stored: null, set: rule.set });
  return gathered.inputs !== null && compute(metric, gathered.inputs, "boolean").value !== 0n;
}

function classifyAsset(
  { symbol, class: stands }: AssetDeployment,
  { rules, market }: { rules: readonly Rule[]; market: MarketFigures },
): AssetClassification {
  const asset = stands ?? null;
  return {
    asset: symbol,
    class: asset,
    sco60Group: asset === null ? null : sco60Group(asset),
    riskWeights: rules
      .filter((rule) => rule.metric === "AST.RISK_WEIGHT" && covers(rule, asset))
      .map((rule) => ({
        ...stated(rule, { name: `risk weight ${rule.threshold}`, holds: asset === null ? null : true }),
        weight: rule.threshold,
      })),
    eligibility: rules
      .filter((rule) => rule.eligibleClasses !== null && inScope(rule, market.product))
      .map((rule) =>
        stated(rule, {
          name: "eligible collateral",
          holds: asset === null ? null : (rule.eligibleClasses?.has(asset) ?? null),
        }),
      ),
  };
}

/** Whether a rule looks at a class; one that names no classes looks at all. */
function covers({ collateralClasses }: Rule, asset: CollateralClass | null): boolean {
  return collateralClasses === null || (asset !== null && collateralClasses.has(asset));
}

function stated(rule: Rule, { name, holds }: { name: string; holds: boolean | null }): ClassStatement {
  const { jurisdiction, id, title, status } = rule;
  const reason = holds === null ? "NO_REGISTRY" : null;
  const citation = citationOf(rule);
  return {
    jurisdiction,
    class: name,
    holds,
    reason,
    ruleId: id,
    title,
    citation,
    status,
    unconfirmed: unconfirmed(rule),
  };
}

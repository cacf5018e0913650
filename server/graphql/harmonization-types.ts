/**
 * What GraphQL tells of rules and of how regimes compare. Amounts are integers as decimal strings with `decimals` digits
 * in `unit`; leverage is a plain decimal (`"2"` is 2:1); what is unknown is null with a reason beside it.
 */
export const HARMONIZATION_TYPES = `
  "Where a rule stands in law, and where it was read."
  type ruleCitation { instrument: String! provision: String! source: String! }

  "What one rule says of one subject, if the holder were in the row's role. Never sealed, alerted or stored."
  type matrixCell {
    ruleId: String! title: String! jurisdiction: String! clientClass: String entityClass: String
    subject: String! protocol: String!
    "compliant, breach, not_applicable or indeterminate"
    outcome: String!
    "What would decide an indeterminate outcome."
    missing: [String!]!
    "The rule prohibits the product, and the holder has some."
    prohibited: Boolean!
    condition: String! metric: String! operator: String! threshold: String!
    measured: String reason: String
    "What is left until the rule is broken, in the metric's unit; negative beyond it."
    headroom: String headroomReason: String
    decimals: Int! unit: String! citation: ruleCitation! status: String! confidence: String!
    "The number was not read in a primary text."
    unconfirmed: Boolean!
    evaluation: String! testPoint: String!
  }

  "The most leverage allowed in one product. Null with a reason where no rule caps it (NO_CAP) or the rule cannot be computed yet (NOT_YET)."
  type leverageCap {
    underlier: String! underlierClass: String! kind: String! allowedLeverage: String prohibited: Boolean!
    reason: String ruleId: String citation: ruleCitation unconfirmed: Boolean
  }

  "One role: a client class or an entity class of one jurisdiction."
  type matrixRow {
    jurisdiction: String! clientClass: String entityClass: String outcome: String! prohibited: Boolean!
    missing: [String!]!
    "The least of leverageCaps; 0 where something held is prohibited."
    allowedLeverage: String
    leverageCaps: [leverageCap!]!
    "The rule that binds; null where nothing applies."
    binding: matrixCell
    "The worst cell of each metric. Metrics are not compared with each other."
    tightest: [matrixCell!]!
    cells: [matrixCell!]!
  }

  "All rows composed: breach before indeterminate before compliant before not_applicable."
  type matrixStrictest {
    outcome: String! prohibited: Boolean! missing: [String!]! jurisdictions: [String!]! allowedLeverage: String
    binding: matrixCell tightest: [matrixCell!]!
  }

  type comparedPosition {
    id: String! account: String! protocol: String! market: String! symbol: String! underlier: String!
    underlierClass: String! kind: String! side: String! notional: String reason: String
  }

  "One subject under many regimes at once, supposing each role in turn. Hypothetical."
  type matrix {
    subject: String! account: String!
    "UTC day whose rules are applied."
    date: String!
    rulebookHash: String! asOf: AsOf! positions: [comparedPosition!]! rows: [matrixRow!]! strictest: matrixStrictest!
  }

  "Positions and their notional in US dollars, 18 decimals; unpriced ones are in the count alone."
  type divergenceTally { count: Int! unpriced: Int! notional: String! }
  type divergenceJurisdiction {
    jurisdiction: String! clientClass: String compliant: divergenceTally! breach: divergenceTally!
    indeterminate: divergenceTally! notApplicable: divergenceTally!
  }
  "Positions that comply in one jurisdiction and are in breach in another."
  type divergencePair { passesIn: String! failsIn: String! count: Int! unpriced: Int! notional: String! }
  type divergenceOutcome { jurisdiction: String! outcome: String! prohibited: Boolean! ruleId: String }
  type divergentPosition {
    id: String! account: String! protocol: String! market: String! symbol: String! underlier: String!
    underlierClass: String! kind: String! side: String! notional: String reason: String
    outcomes: [divergenceOutcome!]!
  }
  type leverageAllowance {
    jurisdiction: String! clientClass: String allowedLeverage: String prohibited: Boolean! reason: String
    ruleId: String citation: ruleCitation unconfirmed: Boolean
  }
  type leverageGapStep { from: String! min: String max: String gap: String }
  "The arbitrage gap of one underlier: most minus least allowed leverage, a prohibition being 0. Jurisdictions without a cap are counted apart."
  type leverageGap {
    underlier: String! underlierClass: String! kind: String! open: divergenceTally! min: String max: String gap: String
    uncapped: Int! allowances: [leverageAllowance!]!
    "The gap as the rules came and went, one step a change."
    history: [leverageGapStep!]!
  }
  type divergence {
    date: String! rulebookHash: String! asOf: [AsOf!]! unit: String! decimals: Int!
    positions: divergenceTally! divergent: divergenceTally!
    jurisdictions: [divergenceJurisdiction!]! pairs: [divergencePair!]! largest: [divergentPosition!]!
    gaps: [leverageGap!]!
  }

  type coreRequirement {
    jurisdiction: String! ruleId: String! title: String! operator: String! threshold: String! unit: String!
    citation: ruleCitation! unconfirmed: Boolean! evaluation: String!
  }
  "What is required by one metric, over classes for which the same rules require it."
  type coreEntry {
    metric: String! underlierClasses: [String!]! collateralClasses: [String!] requirements: [coreRequirement!]!
    "The requirement that keeps all the others; null with a reason where they cannot be compared."
    strictest: coreRequirement
    reason: String
    "Whether every selected jurisdiction requires something."
    isCommon: Boolean!
    "Whether all that require something require the same."
    isAgreed: Boolean!
    "Where the product is prohibited to the role, so that no limit matters."
    prohibitedIn: [String!]!
  }
  type coreRole { jurisdiction: String! clientClass: String entityClass: String }
  type commonCore {
    date: String! rulebookHash: String! roles: [coreRole!]! common: Int! disputed: Int! entries: [coreEntry!]!
  }

  type listedRule {
    id: String! jurisdiction: String! authority: String! title: String! subject: String! subjectKind: String
    citation: ruleCitation! products: [String!]! underlierClasses: [String!]! protocols: [String!]
    metric: String! operator: String! threshold: String! thresholdType: String! unit: String! kind: String!
    testPoint: String! effectiveFrom: String effectiveTo: String status: String! confidence: String!
    unconfirmed: Boolean! evaluability: String! evaluation: String! requiresFacts: [String!]!
    clientClasses: [String!] entityClasses: [String!] profile: String! consequence: String! note: String!
    reading: String
  }
  "Rules, with how many are computed, need facts, or wait for a metric."
  type ruleList {
    rulebookHash: String! version: String! total: Int! computed: Int! needsFact: Int! notYet: Int! unconfirmed: Int!
    rules: [listedRule!]!
  }

  "One rule's word on a class. Null with a reason where the deployment does not say what an asset is."
  type classStatement {
    jurisdiction: String! class: String! holds: Boolean reason: String ruleId: String! title: String!
    citation: ruleCitation! status: String! unconfirmed: Boolean!
  }
  type riskWeightStatement {
    jurisdiction: String! class: String! weight: String! holds: Boolean reason: String ruleId: String! title: String!
    citation: ruleCitation! status: String! unconfirmed: Boolean!
  }
  "An asset taken as collateral: what the deployment states it to be, the Basel SCO60 group that is a candidate for, and what rules say."
  type assetClassification {
    asset: String! class: String sco60Group: String riskWeights: [riskWeightStatement!]! eligibility: [classStatement!]!
  }
  type classification {
    market: String! protocol: String! symbol: String! kind: String! underlier: String! underlierClass: String!
    date: String! rulebookHash: String! asOf: AsOf!
    "What each jurisdiction calls the contract."
    contract: [classStatement!]!
    assets: [assetClassification!]!
  }

  type citedRule { ruleId: String! title: String! citation: ruleCitation! status: String! unconfirmed: Boolean! }
  "How a treatment takes one asset held: haircut, ineligible or not stated. The haircut is a decimal, 0.2 for 20 %."
  type assetTreatment { asset: String! class: String treatment: String! haircut: String }
  "One official treatment of collateral. Money in the protocol's unit; shortfall is required less adjusted, 0 at least."
  type collateralTreatment {
    jurisdiction: String! table: String! title: String! citation: ruleCitation! note: String!
    "Rules that name the table; none where it was read and no rule here asks by it."
    rules: [citedRule!]!
    assets: [assetTreatment!]!
    schedule: citedRule required: String requiredReason: String adjusted: String adjustedReason: String
    shortfall: String shortfallReason: String
  }
  type protocolMargin {
    protocol: String! unit: String! decimals: Int! collateral: String collateralReason: String
    treatments: [collateralTreatment!]!
  }
  "Margin by the standard schedule, and what the collateral counts for under each official treatment, side by side."
  type regulatoryMargin {
    account: String! date: String! rulebookHash: String! asOf: AsOf! protocols: [protocolMargin!]!
  }

  extend type Query {
    "One account (CAIP-10) or open position under the rules of many jurisdictions, as if its holder were in each class. Absent lists mean all places and all their client classes."
    matrix(subject: String!, date: String, jurisdictions: [String!], clientClasses: [String!], entityClasses: [String!]): matrix!
    "Where open positions pass in one jurisdiction and fail in another, and the gap in allowed leverage."
    divergence(date: String, jurisdictions: [String!], clientClass: String = "retail"): divergence!
    "What the jurisdictions all require of a class, and on which parameters they disagree."
    commonCore(jurisdictions: [String!], clientClass: String, entityClass: String, date: String): commonCore!
    "What rules make of a market's contract, and of the collateral its protocol takes. Absent jurisdictions mean every file of the rulebook, standards included."
    classification(market: String!, date: String, jurisdictions: [String!]): classification!
    "Regulatory margin of an account (CAIP-10), protocol by protocol, where official positions on its collateral differ."
    regulatoryMargin(subject: String!, date: String): regulatoryMargin!
    "The rulebook as a list."
    rules(jurisdictions: [String!], evaluation: String, metric: String, ids: [String!], date: String): ruleList!
  }`;

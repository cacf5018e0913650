import type { BlockRef } from "../event.ts";
import { divUp, WAD } from "../fixed.ts";
import type { HypotheticalFinding } from "../harmonization/finding.ts";
import { addressOf, type Hex } from "../ids.ts";
import type { Figure } from "../margin-model.ts";
import { sumOf } from "../metrics/inputs.ts";
import type { Reason } from "../result.ts";
import {
  asQuestions,
  conditionOf,
  isAsked,
  type Measured,
  type RuleQuery,
  type ScopedProduct,
} from "../rules/assess.ts";
import { inForce } from "../rules/day.ts";
import { inScope, type Rule } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import type { Book } from "./book.ts";
import type { Measure } from "./measurer.ts";
import type { Held, Scene } from "./scene.ts";
import type { Topic } from "./surveyor.ts";
import type { Venue } from "./venue.ts";

/** One thing that rules are asked about. */
type Inquiry = { query: Omit<RuleQuery, "moment">; subject: string; measure: Measure; held: readonly Held[] };

/** Which of the rules are looked at; what the others would measure is not worked out. */
type Only = (rule: Rule) => boolean;

type Context = { book: Book; venue: Venue; block: BlockRef; date: string; rules: readonly Rule[] };

/**
 * What every rule in force on a day finds on an account as the book stands, and on the positions, markets, protocols,
 * collateral assets and chain it is in, whatever the rule's test point. An opening rule is measured as if the position
 * were opened now. Rules about single transfers are left out, there being none to measure; rules that wait for their
 * metric answer unknown, `NOT_YET`. Nothing is recorded.
 * @param at.account CAIP-10 id or address; @param at.date a UTC day like `2026-04-02`, whose rules are applied;
 *   @param at.only leaves other rules out, all being looked at when absent.
 * @returns by protocol, then position, account, markets and the rest; within each in the rulebook's order. Empty before
 *   the first block and for an account that is in no protocol followed.
 * @throws InputError for what is no account.
 */
export function assessNow(book: Book, at: { account: string; date: string; only?: Only }): HypotheticalFinding[] {
  const address = at.account.startsWith("0x") ? (at.account.toLowerCase() as Hex) : addressOf(at.account);
  const block = book.ended;
  if (block === null) return [];
  const rules = book.rulebook.rules.filter((rule) => inForce(validity(rule), at.date) && (at.only?.(rule) ?? true));
  return book.venues.flatMap((venue) => {
    const scene = book.appraiser.scene(address, venue, block);
    if (scene.figures.groups.length === 0) return [];
    const context = { book, venue, block, date: at.date, rules };
    const held = book.appraiser.held(scene);
    return [
      ...inquiries(scene, { ...context, held }).flatMap((inquiry) => findings(inquiry, context)),
      ...waiting(scene, { ...context, held }),
    ];
  });
}

function inquiries(scene: Scene, context: Context & { held: readonly Held[] }): Inquiry[] {
  const { book, venue, block, date, held, rules } = context;
  const { protocol } = venue.config;
  const { measurer } = book;
  const positions = held.map((one): Inquiry => {
    const query = { subject: "position", protocol, products: [one.market.product], date } as const;
    return { query, subject: one.stretch.id, measure: measurer.position(one, scene), held: [one] };
  });
  const ofAccount: Inquiry = {
    query: { subject: "account", protocol, products: productsOf(held, { venue, block }), date },
    subject: scene.account,
    measure: measurer.account(scene),
    held,
  };
  if (!rules.some(isAboutSurroundings)) return [...positions, ofAccount];
  const holdings = new Set(venue.model.holdings(scene.figures.address, block.timestamp).map(({ asset }) => asset));
  const topics = book.surveyor.topics().filter((topic) => isAround(topic, { venue, held, holdings }));
  const around = topics.map((topic): Inquiry => {
    const { moment: _, ...query } = book.surveyor.query(topic, { moment: "daily", block, date });
    const inMarket = topic.kind === "market" ? held.filter((one) => one.position.market === topic.key) : held;
    return { query, subject: topic.id, measure: measurer.topic(topic, block), held: inMarket };
  });
  return [...positions, ofAccount, ...around];
}

function isAboutSurroundings({ subjectKind }: Rule): boolean {
  return subjectKind !== null && subjectKind !== "position" && subjectKind !== "account";
}

/** Whether the account has to do with the topic: markets it is in, what it holds, its protocol and its chain. */
function isAround(
  topic: Topic,
  { venue, held, holdings }: { venue: Venue; held: readonly Held[]; holdings: ReadonlySet<string> },
): boolean {
  switch (topic.kind) {
    case "chain":
      return true;
    case "market":
      return topic.venue === venue && held.some((one) => one.position.market === topic.key);
    case "asset":
      return topic.venue === venue && holdings.has(topic.asset.symbol);
    case "protocol":
      return topic.venue === venue;
  }
}

function findings({ query, subject, measure, held }: Inquiry, context: Context): HypotheticalFinding[] {
  const { venue, rules } = context;
  const asked = rules.filter(
    (rule) => rule.testPoint !== "per_transfer" && isAsked(rule, { ...query, moment: "open" }),
  );
  const notional = inDollars(held, context);
  const measurements: Measured[] = [];
  return asQuestions(asked, "open").map((question) => {
    const { rule, share } = question;
    measurements[share] ??= measure(question);
    const measured = measurements[share];
    return { rule, subject, protocol: venue.id, notional, measured, ...judged(rule, measured) };
  });
}

/** A rule that states no number to compare with has a figure and no condition. */
function judged(rule: Rule, measured: Measured): Pick<HypotheticalFinding, "condition" | "reason"> {
  const { reason } = measured.result;
  if (rule.thresholdWad === null) return { condition: "unknown", reason: reason ?? "NO_RATE" };
  return { condition: conditionOf(rule, measured), reason };
}

/** Rules in force that wait for their metric, about the account or, where the metric is of another kind, what it is in. */
function waiting(scene: Scene, context: Context & { held: readonly Held[] }): HypotheticalFinding[] {
  const { venue, held, rules } = context;
  const products = productsOf(held, context);
  const reason: Reason = "NOT_YET";
  const notional = inDollars(held, context);
  return rules
    .filter((rule) => rule.evaluation === "not-yet" && covers(rule, products))
    .map((rule) => {
      const subject = rule.level === "PRT" || rule.level === "MKT" ? venue.id : scene.account;
      return { rule, subject, protocol: venue.id, notional, measured: null, condition: "unknown", reason };
    });
}

function covers(rule: Rule, products: readonly ScopedProduct[]): boolean {
  return products.some((product) => inScope(rule, product));
}

/** Products of what is held or, of one that holds nothing, of all that it could. */
function productsOf(
  held: readonly Held[],
  { venue, block }: { venue: Venue; block: BlockRef },
): readonly ScopedProduct[] {
  if (held.length > 0) return held.map((one) => one.market.product);
  return venue.model.marketKeys().map((key) => venue.figures.market(key, block.timestamp).product);
}

function inDollars(held: readonly Held[], { book, venue, block }: Context): Figure {
  const notional = sumOf(held.map(({ position }) => position.notional));
  const rate = book.prices.at(venue.config.settlement.feed, block.timestamp);
  if (notional.value === null || rate.value === null) return notional.value === null ? notional : rate;
  return { value: divUp(notional.value * rate.value, WAD), reason: null };
}

/** What a verification means, in words for the page. */
import { shown } from "../../src/core/proof/verification.ts";
import type { Link, Verification } from "../../src/core/proof/verify.ts";
import type { Fact } from "./facts.ts";

/** A headline, whether it is good news, what it means, and headed lists below the links. */
export type Words = {
  headline: string;
  tone: "good" | "bad" | "open";
  meaning: string;
  lists: readonly { heading: string; items: readonly string[] }[];
};

const SHOWN_REASONS = 3;

type Level = NonNullable<Verification["assurance"]>;

const MEANINGS: Record<Level, string> = {
  proven:
    "The protocol’s own code, run again here over proven state of the block you trust, gives the figure in this bundle.",
  authentic:
    "The event behind this figure is in the block you trust. Inputs that no proof covers are the operator’s word.",
  attested: "The operator’s log vouches for the recorded inputs. That they came from the chain is not proven.",
};

const PAGE = "This page, your browser and your computer: take the page from somebody you trust.";
const RULEBOOK =
  "That the rulebook says what the law says. Its hash shows which text was applied, not that it is right.";
const PRICES = "Oracle prices are those the protocol used; whether they were true is not proven.";
const LOG =
  "The operator, whose key you gave: that it recorded the inputs as they were, and shows everybody the same log.";
const BLOCK = "The block hash you gave. It is as good as the place it comes from, and as the settlement of its chain.";
const DEPLOYMENT =
  "That the contracts in the bundle’s deployment are the protocol’s. Its hash is above: compare it with one you know.";

const CREDITORS = "That no creditor is left out: a record names its own, and only some protocols list theirs.";

/** What no header and no view says, by the fact that brings it up and how that begins. */
const RECORDED: readonly (readonly [term: string, beginning: string, item: string])[] = [
  ["Tested", "day:", "That the block is the last of its day: only the record says so."],
  ["Metric", "POS.", "Which stretch of the position it is, the last part of its id: only the record says so."],
];

const TRUSTED: Record<Level, readonly string[]> = {
  proven: [
    BLOCK,
    DEPLOYMENT,
    CREDITORS,
    "That the chain runs contracts as Ethereum does since Prague.",
    RULEBOOK,
    PRICES,
    PAGE,
  ],
  authentic: [BLOCK, LOG, DEPLOYMENT, "That no earlier event was left out.", RULEBOOK, PRICES, PAGE],
  attested: [LOG, RULEBOOK, PRICES, PAGE],
};

/** The words for a verification of what says these facts of itself. */
export function wordsOf({ status, assurance, inputs, links }: Verification, facts: readonly Fact[] = []): Words {
  if (status === "refuted") {
    const failed = links.filter(({ ok }) => ok === false).map(({ link }) => link);
    const which = failed.length === 1 ? `The link ${failed[0]} fails` : `The links ${failed.join(", ")} fail`;
    return { headline: "Refuted", tone: "bad", meaning: `${which}. Do not rely on this bundle.`, lists: [] };
  }
  if (assurance === null) return { headline: "Not checked", tone: "open", meaning: missingFrom(links), lists: [] };
  // A figure on its own is measured by no rule.
  const isRuled = links.some(({ link, ok }) => link === "rule" && ok === true);
  // What a protocol holds is an input of custody alone.
  const isCustody = inputs.proven.includes("held");
  const beside = [isRuled ? "" : RULEBOOK, isCustody ? "" : CREDITORS];
  const recorded = RECORDED.filter(([term, beginning]) =>
    facts.some((fact) => fact.term === term && fact.value.startsWith(beginning)),
  ).map(([, , item]) => item);
  const trusted = TRUSTED[assurance].filter((item) => !beside.includes(item));
  const lists = [
    { heading: "Proven inputs", items: inputs.proven.map(shown) },
    { heading: "Inputs taken from the operator’s record", items: inputs.taken.map(shown) },
    { heading: "What you still trust", items: assurance === "proven" ? [...trusted, ...recorded] : trusted },
  ].filter(({ items }) => items.length > 0);
  const level = assurance.charAt(0).toUpperCase() + assurance.slice(1);
  if (status === "verified") return { headline: level, tone: "good", meaning: MEANINGS[assurance], lists };
  return { headline: `${level} only`, tone: "open", meaning: `${MEANINGS[assurance]} ${missingFrom(links)}`, lists };
}

/** Which links could not be looked at, as they say themselves; some are not needed, and say so. */
function missingFrom(links: readonly Link[]): string {
  const open = links.filter(({ ok, sentence }) => ok === null && !sentence.startsWith("Not needed"));
  const why = [...new Set(open.map(({ sentence }) => sentence))].slice(0, SHOWN_REASONS);
  return ["Nothing is wrong with what could be looked at, but not everything could be.", ...why].join(" ");
}

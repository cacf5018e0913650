/**
 * What a verifier brings along, and what it finds.
 */
import type { Adapter } from "../adapter.ts";
import type { Assessment, Condition } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import type { Reason } from "../result.ts";
import type { Assurance } from "./bundle.ts";
import type { Json } from "./canonical.ts";

/** What a rule says when it is applied again to an assessment's recorded inputs. */
export type Reassessment = {
  metric: string;
  measured: string | null;
  reason: Reason | null;
  decimals: string;
  unit: string;
  condition: Condition;
  operator: string;
  threshold: string;
};

/** A block hash the verifier believes. `from` says, for a person, where it is from: an option, a node. */
export type TrustedBlock = { chain: string; number: string; hash: Hex; from?: string };

/** Keys of witnesses, `name+hash+base64`, each of another one, and how many of these must have cosigned. */
export type TrustedWitnesses = { keys: readonly string[]; threshold: number };

/** What the verifier brings along: nothing a bundle says can take the place of these. */
export type Trust = {
  /** Verifier keys of logs, `name+hash+base64`. Without one nothing can be verified that rests on the log. */
  logKeys: readonly string[];
  /** Believed block hashes, one of which must then settle the block. Left out: the block is not checked. */
  blocks?: readonly TrustedBlock[];
  /** Hashes of rulebooks and deployments the verifier knows; what is checked must then be under one of them. */
  rulebooks?: readonly Hex[];
  deployments?: readonly Hex[];
  /** Witnesses one relies on, and how many of them must have cosigned. Left out: cosignatures are not checked. */
  witnesses?: TrustedWitnesses;
  /**
   * Contracts believed to be anchors of the log, as lower-case CAIP-10. One of them must then have published the
   * checkpoint, in a block whose hash is believed. Left out: no contract is, whatever a bundle says of one.
   */
  anchors?: readonly string[];
  /** Applies a rule of the rulebook (JSON as the bundle carries it) again. May throw: then the bundle is refuted. */
  reassess: (rulebook: Json, assessment: Assessment) => Reassessment;
  /** The adapter of a protocol, which says what its contracts are and how their views are asked. May throw. */
  adapterOf: (protocol: string) => Adapter;
  /** Hears of each link as soon as it has been looked at, in order; the last ones take the longest. */
  onLink?: (link: Link) => void;
};

/** The links of the chain from bytes to claim, cheapest first. */
export const LINKS = [
  "shape",
  "leaf",
  "inclusion",
  "rulebook",
  "deployment",
  "signature",
  "witnesses",
  "anchor",
  "block",
  "header",
  "receipts",
  "state",
  "call",
  "metric",
  "rule",
  "blinding",
] as const;
export type LinkName = (typeof LINKS)[number];

/**
 * One link, and a sentence for a person. `ok` is `null` when it could not be looked at, or when what was given does not
 * need it.
 */
export type Link = { link: LinkName; ok: boolean | null; sentence: string };

/**
 * `verified`: every link that the bundle's level needs holds. `refuted`: one does not. `unchecked`: the means to check one
 * were not there. `assurance` is the highest level of which every link holds, and `inputs` says by name which inputs it
 * proves and which are taken as they were recorded. `witnesses` names those of the witnesses one relies on whose
 * cosignature holds; `anchored` says whether an anchor one believes in has the checkpoint, in a block one believes in.
 */
export type Verification = {
  status: "verified" | "refuted" | "unchecked";
  assurance: Assurance | null;
  inputs: { proven: readonly string[]; taken: readonly string[] };
  witnesses: readonly string[];
  anchored: boolean;
  links: readonly Link[];
};

/** What was found of one link. */
export type Finding = Omit<Link, "link">;

/** The link was looked at and holds. */
export function holds(sentence: string): Finding {
  return { ok: true, sentence };
}

/** The link was looked at and does not hold. */
export function refuted(sentence: string): Finding {
  return { ok: false, sentence };
}

/** The link was not looked at, for want of means or of need. */
export function unsettled(sentence: string): Finding {
  return { ok: null, sentence };
}

/** A fault that was foreseen says so in a sentence; any other is named. */
export function sentenceOf(error: unknown): string {
  if (error instanceof InputError && error.message !== "") return error.message;
  return `The check broke off: ${error instanceof Error && error.message !== "" ? error.message : "no reason given"}.`;
}

/** A check that fails in any way has not been passed. */
export function guarded(check: () => Finding): Finding {
  try {
    return check();
  } catch (error) {
    return refuted(sentenceOf(error));
  }
}

const MAX_SENTENCE = 600;

/**
 * A sentence that is safe to show. What a hostile file says of itself is part of some: it must neither move a terminal's
 * cursor, nor turn text around, nor begin a line of its own, nor fill the screen.
 */
export function shown(sentence: string): string {
  const short =
    sentence.length <= MAX_SENTENCE
      ? sentence
      : `${sentence.slice(0, MAX_SENTENCE / 2)} … ${sentence.slice(-MAX_SENTENCE / 2)}`;
  return short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

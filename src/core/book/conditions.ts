import { type Assessment, KERNEL_VERSION, type TestPoint } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import { caip2, type Hex } from "../ids.ts";
import type { StateJson } from "../margin-model.ts";
import { assessmentId } from "../proof/ids.ts";
import { type Answer, isClassifying, type Measured } from "../rules/assess.ts";
import type { Journal } from "./journal.ts";
import type { Regime } from "./regime.ts";

/** Between the parts of a key; in none of them. */
const SEPARATOR = "|";

/** What rules are asked about, and when. `protocol` is a protocol id, or the chain's own id for what is about a chain. */
export type About = {
  protocol: string;
  subject: string;
  account: string | null;
  testPoint: TestPoint;
  block: BlockRef;
};

/** The current assessments of one subject, by rule. */
type BySubject = Map<string, Assessment>;

/**
 * The current assessment of every (protocol, subject, rule), which epochs commit to.
 *
 * Invariant: a rule tested at the end of blocks, or one that only classifies, has a new assessment exactly when its
 * condition differs from the current one; every other test has one every time.
 */
export class Conditions {
  readonly #journal: Journal;
  readonly #chain: string;
  readonly #regime: Regime;
  readonly #deploymentHash: Hex;
  readonly #changed: (key: string) => void;
  readonly #current = new Map<string, BySubject>();
  /** What stood under a rulebook that has been replaced, until the day's end, when everything has been assessed anew. */
  readonly #former: { of: ReadonlyMap<string, BySubject> } = { of: new Map() };

  /** `changed` is told the key of every assessment that became current or ceased to be. */
  constructor(
    journal: Journal,
    {
      chainId,
      regime,
      deploymentHash,
      changed,
    }: { chainId: number; regime: Regime; deploymentHash: Hex; changed: (key: string) => void },
  ) {
    this.#changed = changed;
    this.#journal = journal;
    this.#chain = caip2(chainId);
    this.#regime = regime;
    this.#deploymentHash = deploymentHash;
  }

  /** The current assessment under a key; undefined where nothing stands. */
  get(key: string): Assessment | undefined {
    const end = key.lastIndexOf(SEPARATOR);
    return this.#current.get(key.slice(0, end))?.get(key.slice(end + 1));
  }

  /** Keys of all current assessments, in no order. */
  *keys(): IterableIterator<string> {
    for (const [subject, rules] of this.#current) for (const rule of rules.keys()) yield subject + SEPARATOR + rule;
  }

  /** Makes the answers about one subject the current ones. Returns those that say something new, in their order. */
  record(about: About, answers: readonly Answer[]): Assessment[] {
    const key = subjectKey(about.protocol, about.subject);
    let current = this.#current.get(key);
    const made: Assessment[] = [];
    for (const { rule, measured, condition } of answers) {
      const always = about.testPoint !== "end" && !isClassifying(rule);
      if (!always && current?.get(rule.id)?.condition === condition) continue;
      if (current === undefined) {
        current = new Map();
        this.#journal.set(this.#current, key, current);
      }
      const assessment = this.#assessment(about, { rule, measured, condition });
      this.#journal.set(current, rule.id, assessment);
      this.#changed(key + SEPARATOR + rule.id);
      made.push(assessment);
    }
    return made;
  }

  /** What an epoch commits to for one current assessment. */
  stateOf(key: string): StateJson | undefined {
    const a = this.get(key);
    return a === undefined ? undefined : { id: a.id, condition: a.condition, measured: a.measured, reason: a.reason };
  }

  /** Whether any rule says something about the subject, or did until the rulebook was replaced on this day. */
  has(protocol: string, subject: string): boolean {
    const key = subjectKey(protocol, subject);
    return (this.#current.get(key)?.size ?? 0) > 0 || this.#former.of.has(key);
  }

  /** What a rule says about the subject now. */
  of(protocol: string, subject: string, ruleId: string): Assessment | undefined {
    return this.#current.get(subjectKey(protocol, subject))?.get(ruleId);
  }

  /** No rule has anything to say about the subject any more. */
  forgetSubject(protocol: string, subject: string): void {
    const key = subjectKey(protocol, subject);
    for (const rule of this.#current.get(key)?.keys() ?? []) this.#changed(key + SEPARATOR + rule);
    this.#journal.delete(this.#current, key);
  }

  /** No rule says anything about anything any more: the rulebook they were in has been replaced. */
  clear(): void {
    this.#journal.put(this.#former, "of", new Map(this.#current));
    for (const key of this.keys()) this.#changed(key);
    for (const subject of this.#former.of.keys()) this.#journal.delete(this.#current, subject);
  }

  /** Everything has been assessed anew since `clear`, daily rules included. */
  settle(): void {
    this.#journal.put(this.#former, "of", new Map());
  }

  /** Whether a rule says something about the subject, or did until the rulebook was replaced on this day. */
  isAsked(protocol: string, subject: string, ruleId: string): boolean {
    const key = subjectKey(protocol, subject);
    return (this.#current.get(key)?.has(ruleId) || this.#former.of.get(key)?.has(ruleId)) ?? false;
  }

  #assessment(about: About, { rule, measured, condition }: Answer): Assessment {
    const { number, hash, timestamp } = about.block;
    const rulebookHash = this.#regime.rulebook.hash;
    const { result } = measured;
    const of = {
      chain: this.#chain,
      protocol: about.protocol,
      blockHash: hash,
      subject: about.subject,
      ruleId: rule.id,
      testPoint: about.testPoint,
      rulebookHash,
      kernel: KERNEL_VERSION,
    };
    return {
      id: assessmentId(of),
      chain: of.chain,
      protocol: of.protocol,
      subject: of.subject,
      account: about.account,
      ruleId: rule.id,
      rulebookHash,
      deploymentHash: this.#deploymentHash,
      kernel: KERNEL_VERSION,
      testPoint: of.testPoint,
      condition,
      metric: measured.metric,
      inputs: textsOf(measured),
      measured: result.value === null ? null : result.value.toString(),
      decimals: result.decimals.toString(),
      unit: result.unit,
      reason: result.reason,
      operator: rule.operator,
      threshold: rule.threshold,
      blockNumber: number.toString(),
      blockHash: hash,
      blockTimestamp: timestamp.toString(),
    };
  }
}

/** The inputs as text. Rules that measure the same share one answer, and so one text of it. */
const texts = new WeakMap<Measured, Readonly<Record<string, string>>>();

function textsOf(measured: Measured): Readonly<Record<string, string>> {
  let found = texts.get(measured);
  if (found === undefined) {
    const written: Record<string, string> = {};
    for (const name in measured.inputs) written[name] = String(measured.inputs[name]);
    found = written;
    texts.set(measured, found);
  }
  return found;
}

/** Key of a subject; assessments of a block are ordered by it. */
export function subjectKey(protocol: string, subject: string): string {
  return protocol + SEPARATOR + subject;
}

import { type Assessment, KERNEL_VERSION, type TestPoint } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import { caip2, type Hex } from "../ids.ts";
import { assessmentId } from "../proof/ids.ts";
import { conditionOf, type Measured } from "../rules/assess.ts";
import type { Rule } from "../rules/rule.ts";
import type { Journal } from "./journal.ts";

/** What a rule was applied to, and when. `protocol` is a protocol id. */
export type Test = {
  protocol: string;
  subject: string;
  account: string | null;
  rule: Rule;
  measured: Measured;
  testPoint: TestPoint;
  block: BlockRef;
};

/**
 * The current assessment of every (protocol, subject, rule), which epochs commit to.
 *
 * Invariant: a continuous rule has a new assessment exactly when its condition differs from the current one; opening and
 * daily tests have one every time.
 */
export class Conditions {
  readonly #journal: Journal;
  readonly #chain: string;
  readonly #rulebookHash: Hex;
  readonly #changed: (key: string) => void;
  readonly #current = new Map<string, Assessment>();
  readonly #bySubject = new Map<string, Set<string>>();

  /** `changed` is told the key of every assessment that became current or ceased to be. */
  constructor(
    journal: Journal,
    { chainId, rulebookHash, changed }: { chainId: number; rulebookHash: Hex; changed: (key: string) => void },
  ) {
    this.#changed = changed;
    this.#journal = journal;
    this.#chain = caip2(chainId);
    this.#rulebookHash = rulebookHash;
  }

  get(key: string): Assessment | undefined {
    return this.#current.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#current.keys();
  }

  /** Makes the test's assessment the current one; `null` when a continuous rule's condition has not changed. */
  record(test: Test): Assessment | null {
    const { rule, measured } = test;
    const key = conditionKey(test.protocol, test.subject, rule.id);
    const condition = conditionOf(rule, measured);
    if (test.testPoint === "end" && this.#current.get(key)?.condition === condition) return null;
    const { number, hash, timestamp } = test.block;
    const about = {
      chain: this.#chain,
      protocol: test.protocol,
      blockHash: hash,
      subject: test.subject,
      ruleId: rule.id,
      testPoint: test.testPoint,
      rulebookHash: this.#rulebookHash,
      kernel: KERNEL_VERSION,
    };
    const { result } = measured;
    const assessment: Assessment = {
      id: assessmentId(about),
      chain: about.chain,
      protocol: test.protocol,
      subject: test.subject,
      account: test.account,
      ruleId: rule.id,
      rulebookHash: this.#rulebookHash,
      kernel: KERNEL_VERSION,
      testPoint: test.testPoint,
      condition,
      metric: measured.metric,
      inputs: textsOf(measured.inputs),
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
    this.#journal.set(this.#current, key, assessment);
    this.#changed(key);
    this.#index(test.protocol, test.subject, key);
    return assessment;
  }

  /** Whether any rule says something about the subject now. */
  has(protocol: string, subject: string): boolean {
    return (this.#bySubject.get(subjectKey(protocol, subject))?.size ?? 0) > 0;
  }

  /** One rule has nothing to say about the subject any more. Returns whether it had. */
  forget(protocol: string, subject: string, ruleId: string): boolean {
    const key = conditionKey(protocol, subject, ruleId);
    if (!this.#current.has(key)) return false;
    this.#journal.delete(this.#current, key);
    this.#changed(key);
    this.#journal.remove(this.#bySubject.get(subjectKey(protocol, subject)) as Set<string>, key);
    return true;
  }

  /** No rule has anything to say about the subject any more. */
  forgetSubject(protocol: string, subject: string): void {
    for (const key of [...(this.#bySubject.get(subjectKey(protocol, subject)) ?? [])]) {
      const assessment = this.#current.get(key);
      if (assessment !== undefined) this.forget(protocol, subject, assessment.ruleId);
    }
  }

  #index(protocol: string, subject: string, key: string): void {
    const at = subjectKey(protocol, subject);
    let keys = this.#bySubject.get(at);
    if (keys === undefined) {
      keys = new Set();
      this.#journal.set(this.#bySubject, at, keys);
    }
    this.#journal.add(keys, key);
  }
}

function textsOf(inputs: Measured["inputs"]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name in inputs) texts[name] = String(inputs[name]);
  return texts;
}

/** Key of one current assessment. */
export function conditionKey(protocol: string, subject: string, ruleId: string): string {
  return `${protocol}|${subject}|${ruleId}`;
}

function subjectKey(protocol: string, subject: string): string {
  return `${protocol}|${subject}`;
}

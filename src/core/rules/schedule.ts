/**
 * The versions of the rulebook over time. A change of rules is a new version that takes effect at a block of each chain;
 * what was assessed before stays under the version it was assessed under.
 */
import * as z from "zod";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { canonicalBytes, type Json } from "../proof/canonical.ts";
import { sha256Hex } from "../proof/sha256.ts";
import { type Rulebook, rulebookFrom } from "./rule.ts";

const FORMAT = "plumbline-rulebooks/1";

/** A rulebook, and by CAIP-2 chain the first block it is in force at; a chain that is not named has it from its first. */
export type RulebookVersion = { rulebook: Rulebook; from: Readonly<Record<string, bigint>> };

/** All versions, oldest first: the first is in force from block 0. `hash` names their contents and their blocks. */
export type Schedule = { versions: readonly RulebookVersion[]; hash: Hex };

const fileShape = z.strictObject({
  format: z.literal(FORMAT),
  versions: z
    .array(
      z.strictObject({
        from: z.record(
          z.string().regex(/^eip155:[1-9]\d{0,14}$/, "expected a chain like eip155:901"),
          z.string().regex(/^(0|[1-9]\d{0,14})$/, "expected a block number as a decimal string"),
        ),
        rulebook: z.unknown(),
      }),
    )
    .min(1, "expected at least one version"),
});

/** The schedule of one rulebook that has always been in force. */
export function scheduleOf(rulebook: Rulebook): Schedule {
  return schedule([{ rulebook, from: {} }]);
}

/**
 * A schedule with one more version.
 * @param from the block of each chain at which it takes effect.
 * @throws InputError when it would take effect before the version it follows.
 */
export function withVersion({ versions }: Schedule, { rulebook, from }: RulebookVersion): Schedule {
  return schedule([...versions, { rulebook, from }]);
}

/** The newest version's rulebook, whether its blocks have been reached or not. */
export function newest({ versions }: Schedule): Rulebook {
  return (versions.at(-1) as RulebookVersion).rulebook;
}

/** The rulebook in force at a block of a chain. */
export function rulebookAt({ versions }: Schedule, chain: string, block: bigint): Rulebook {
  const found = versions.findLast(({ from }) => (from[chain] ?? 0n) <= block);
  return (found ?? (versions[0] as RulebookVersion)).rulebook;
}

/** The rulebook with a hash; undefined when no version has it. */
export function rulebookWith({ versions }: Schedule, hash: Hex): Rulebook | undefined {
  return versions.find(({ rulebook }) => rulebook.hash === hash)?.rulebook;
}

/** The JSON form of a schedule, rulebooks included. */
export function scheduleJson({ versions }: Schedule): Json {
  return {
    format: FORMAT,
    versions: versions.map(({ rulebook, from }) => ({ from: texts(from), rulebook: rulebook.source })),
  };
}

/**
 * Reads what `scheduleJson` wrote.
 * @param name what to call it in messages.
 * @throws InputError naming the version and what was expected.
 */
export function parseSchedule(json: unknown, name: string): Schedule {
  const parsed = fileShape.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.join(".") || "the top level";
    throw new InputError(`The rulebook versions in ${name} are wrong at ${place}: ${issue?.message ?? "malformed"}.`);
  }
  try {
    return schedule(
      parsed.data.versions.map(({ from, rulebook }) => ({
        rulebook: rulebookFrom(rulebook),
        from: Object.fromEntries(Object.entries(from).map(([chain, block]) => [chain, BigInt(block)])),
      })),
    );
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`The rulebook versions in ${name} cannot be used: ${error.message}`, { cause: error });
  }
}

function schedule(versions: readonly RulebookVersion[]): Schedule {
  for (const [i, version] of versions.entries()) checkOrder(version, { before: versions[i - 1], number: i + 1 });
  const form = versions.map(({ rulebook, from }) => ({ from: texts(from), rulebook: rulebook.hash }));
  return { versions, hash: `0x${sha256Hex(canonicalBytes({ format: FORMAT, versions: form }))}` };
}

function checkOrder(
  { from }: RulebookVersion,
  { before, number }: { before: RulebookVersion | undefined; number: number },
): void {
  for (const chain of new Set([...Object.keys(before?.from ?? {}), ...Object.keys(from)])) {
    const [block, earliest] = [from[chain] ?? 0n, before?.from[chain] ?? 0n];
    if (before === undefined ? block === 0n : block >= earliest) continue;
    const expected = before === undefined ? "0" : `${earliest} or later`;
    throw new InputError(
      `Version ${number} of the rulebook begins at block ${block} of ${chain}; expected ${expected}.`,
    );
  }
}

function texts(from: RulebookVersion["from"]): Record<string, string> {
  return Object.fromEntries(Object.entries(from).map(([chain, block]) => [chain, block.toString()]));
}

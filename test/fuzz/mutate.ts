/**
 * One mutation of an honest bundle for every number, the same for the same seed.
 */
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../src/core/errors.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { type Draw, drawOf } from "./draw.ts";
import { conclude, reseal } from "./forge.ts";
import type { Specimen } from "./maker.ts";
import { PART_MUTATIONS } from "./parts.ts";
import { BYTE_MUTATIONS, TREE_MUTATIONS, type Tree } from "./tree.ts";

/** A bundle that is not the one it was. */
export type Mutant = {
  /** What was done to which bundle. */
  kind: string;
  specimen: string;
  bytes: Uint8Array;
  /** Whether nothing but what is signed would tell it from an honest one; then the reader asks about the log. */
  needsLog: boolean;
};

/** How often a specimen is drawn: those that take longest to check are drawn least. */
const WEIGHTS: readonly [RegExp, number][] = [
  [/^perp (maintenance|close-out|figure)/, 1],
  [/^perp custody/, 6],
  [/opening/, 6],
  [/^synthetix/, 2],
];

type Family = "bytes" | "tree" | "parts";

/** The mutation of a number. It draws until there is one that changes something. */
export async function mutate(
  specimens: readonly Specimen[],
  { seed, index }: { seed: number; index: number },
): Promise<Mutant> {
  const draw = drawOf(seed, index);
  for (;;) {
    const specimen = weighted(specimens, draw);
    const mutant = await attempt(specimen, { specimens, draw });
    if (mutant !== null) return mutant;
  }
}

async function attempt(
  specimen: Specimen,
  { specimens, draw }: { specimens: readonly Specimen[]; draw: Draw },
): Promise<Mutant | null> {
  const family: Family = draw.one(["bytes", "tree", "tree", "parts", "parts", "parts"]);
  const bundle = read(specimen);
  const isSealed = bundle.assessment !== undefined;
  const named = (kind: string, bytes: Uint8Array, needsLog: boolean): Mutant | null => {
    if (Buffer.compare(bytes, specimen.bytes) === 0) return null;
    return { kind, specimen: specimen.name, bytes, needsLog: needsLog && isSealed };
  };
  if (family === "bytes") {
    const [kind, change] = draw.one(Object.entries(BYTE_MUTATIONS));
    return named(kind, change(specimen.bytes, draw), true);
  }
  const honest = withoutLog(read(specimen));
  try {
    const kinds = family === "tree" ? TREE_MUTATIONS : PART_MUTATIONS;
    const [kind, change] = draw.one(Object.entries<(typeof PART_MUTATIONS)[string]>(kinds as never));
    const other = read(draw.one(specimens.filter((one) => one !== specimen)));
    const isChanged =
      family === "tree"
        ? (TREE_MUTATIONS[kind] as (typeof TREE_MUTATIONS)[string])(bundle, draw)
        : await change({ bundle, other, draw });
    if (!isChanged) return null;
    const followed = draw.chance() < 0.6 ? followUp(bundle, draw) : "";
    // Whatever the order of keys: one that is dropped and follows again stands last, and has no other canonical form.
    const isLogOnly = isDeepStrictEqual(withoutLog(bundle), honest);
    return named(`${kind}${followed}`, canonicalBytes(bundle), isLogOnly || !hasState(bundle));
  } catch (error) {
    // This bundle cannot be changed in that way, or what came of it is no JSON that has a canonical form.
    if (error instanceof InputError || error instanceof TypeError) return null;
    throw error;
  }
}

/** What the attacker makes follow from what he has changed, as far as it does. */
function followUp(bundle: Tree, draw: Draw): string {
  if (bundle.assessment === undefined) return "";
  const before = structuredClone(bundle);
  try {
    if (draw.chance() < 0.7) conclude(bundle);
    reseal(bundle, draw);
    return ", sealed anew";
  } catch {
    // What he has changed cannot be sealed: it stays under the seal it had.
    for (const key of Object.keys(bundle)) delete bundle[key];
    Object.assign(bundle, before);
    return "";
  }
}

/** Whether it rests on state, and so on no signature. */
function hasState({ witness, evidence }: Tree): boolean {
  return witness !== undefined || evidence?.kind === "calls";
}

/**
 * What does not rest on a log. Nor does a proof from state say which stretch of a position it is of, or what verdict was
 * given: those are the record's.
 */
function withoutLog({ checkpoint, assessment, verdict, anchor, ...whole }: Tree): Tree {
  const opening = verdict?.opening ?? null;
  const isPlain = typeof whole.claims === "object" && !Array.isArray(whole.claims) && whole.claims !== null;
  const { witnessed, anchored, ...claims } = isPlain ? whole.claims : {};
  const rest = isPlain ? { ...whole, claims } : whole;
  if (assessment?.body === undefined) return { ...rest, opening, assessment: assessment ?? null };
  const { id, subject, ...body } = assessment.body;
  const named = typeof subject === "string" ? subject.replace(/\/\w*$/, "") : subject;
  return { ...rest, opening, body: { ...body, subject: named } };
}

function weighted(specimens: readonly Specimen[], draw: Draw): Specimen {
  const weights = specimens.map(({ name }) => WEIGHTS.find(([of]) => of.test(name))?.[1] ?? 1);
  let rest = draw.below(weights.reduce((sum, weight) => sum + weight, 0));
  return specimens.find((_, i) => {
    rest -= weights[i] as number;
    return rest < 0;
  }) as Specimen;
}

function read({ bytes }: Specimen): Tree {
  return JSON.parse(new TextDecoder().decode(bytes));
}

import { verify } from "../../verifier/index.ts";
import type { Mutant } from "./mutate.ts";
import type { Specimens } from "./specimens.ts";

/** The longest that checking any bytes may take, on a machine that does other things too. */
const WITHIN_MS = 15_000;

/** What became of a mutant: the first link that fails, or why that is a fault of the verifier. */
export type Outcome = { refusedBy: string; fault: null } | { refusedBy: null; fault: string };

/** Checks a mutant as a reader would who knows blocks, rulebook, deployment and, where it takes one, the log's key. */
export async function judge(mutant: Mutant, { known, logKey }: Pick<Specimens, "known" | "logKey">): Promise<Outcome> {
  const { bytes, needsLogKey } = mutant;
  const started = performance.now();
  try {
    const { status, links, assurance } = await verify(bytes, {
      ...known,
      logKeys: needsLogKey ? [logKey] : [],
    });
    const took = performance.now() - started;
    if (took > WITHIN_MS) return { refusedBy: null, fault: `checking it took ${(took / 1000).toFixed(1)} s` };
    if (status === "verified") return { refusedBy: null, fault: `it was verified as ${assurance}` };
    const failed = links.find(({ ok }) => ok === false);
    return { refusedBy: failed?.link ?? `not checked: ${links.find(({ ok }) => ok === null)?.link}`, fault: null };
  } catch (error) {
    return { refusedBy: null, fault: `checking it threw ${error instanceof Error ? error.stack : error}` };
  }
}

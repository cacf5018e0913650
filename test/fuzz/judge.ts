import { verify } from "../../verifier/index.ts";
import type { Mutant } from "./mutate.ts";
import type { Specimens } from "./specimens.ts";

/** The most processor time that checking any bytes may take: what else the machine does is no fault of the verifier. */
const WITHIN_MS = 10_000;

/** What became of a mutant: the first link that fails, or why that is a fault of the verifier. */
export type Outcome = { refusedBy: string; fault: null } | { refusedBy: null; fault: string };

/**
 * Checks a mutant as a reader would who knows blocks, rulebook, deployment and, where it takes them, the log's key, witnesses
 * and anchor.
 */
export async function judge(mutant: Mutant, { known, log }: Pick<Specimens, "known" | "log">): Promise<Outcome> {
  const { bytes, needsLog } = mutant;
  const started = process.cpuUsage();
  try {
    const { status, links, assurance } = await verify(bytes, { ...known, ...(needsLog ? log : {}) });
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1_000;
    if (took > WITHIN_MS) return { refusedBy: null, fault: `checking it took ${(took / 1_000).toFixed(1)} s` };
    if (status === "verified") return { refusedBy: null, fault: `it was verified as ${assurance}` };
    const failed = links.find(({ ok }) => ok === false);
    return { refusedBy: failed?.link ?? `not checked: ${links.find(({ ok }) => ok === null)?.link}`, fault: null };
  } catch (error) {
    return { refusedBy: null, fault: `checking it threw ${error instanceof Error ? error.stack : error}` };
  }
}

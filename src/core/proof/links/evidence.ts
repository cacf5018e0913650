/**
 * Links from a block's hash to what is in it: its header, its receipts, its state, and what calls say over that state.
 */
import { fromHex, toHex } from "../bytes.ts";
import { decodeHeader } from "../chain/header.ts";
import { type Finding, holds, refuted, unsettled } from "../verification.ts";
import type { Context } from "./context.ts";

const STATELESS = unsettled("Not needed: no state is brought as evidence.");

/** Whether the header brought as evidence is that of the block, and says its number and time. */
export function checkHeader({ evidence, claim }: Context): Finding {
  if (evidence === null) return unsettled("Not needed: there is no evidence from the chain.");
  const header = decodeHeader(fromHex(evidence.kind === "calls" ? evidence.witness.header : evidence.header));
  const hash = toHex(header.hash);
  if (hash !== claim.blockHash) return refuted(`The header is that of block ${hash}, not of ${claim.blockHash}.`);
  for (const [what, is, said] of [
    ["number", header.number.toString(), claim.blockNumber],
    ["time", header.timestamp.toString(), claim.blockTimestamp],
  ]) {
    if (is !== said) return refuted(`The block's ${what} is ${is}, where ${said} is claimed.`);
  }
  return holds(`The header has the block's hash, its number ${header.number} and its time ${header.timestamp}.`);
}

/** Whether the logs brought as evidence are in the block and show what is claimed. @throws InputError when not. */
export function checkReceipts({ evidence, logs }: Context): Finding {
  if (evidence?.kind !== "logs") return unsettled("Not needed: no logs are brought as evidence.");
  return holds(logs().sentence);
}

/** Whether the state brought as evidence is what the header commits to. @throws InputError when it is not. */
export function checkState({ evidence, open }: Context): Finding {
  if (evidence?.kind !== "calls") return STATELESS;
  const { accounts } = open().witness;
  const slots = accounts.reduce((sum, account) => sum + account.slots.length, 0);
  return holds(`${accounts.length} accounts and ${slots} storage slots are in the state the header commits to.`);
}

/** Whether the calls that the verifier derives can be answered over that state. @throws InputError when not. */
export async function checkCall({ evidence, open, run, place, isElsewhere }: Context): Promise<Finding> {
  if (evidence?.kind !== "calls") return STATELESS;
  if (isElsewhere()) return unsettled("Not looked at: the block is not the trusted one.");
  if (!succeeds(open)) return unsettled("Not looked at: the state that calls would run over is not proven.");
  const { requests, codeHashes, gasUsed } = await run();
  const pinned = Object.keys(place().protocol?.codeHashes ?? {}).filter((at) => codeHashes.has(at as never)).length;
  return holds(
    `${requests} requests, derived from rule, deployment and subject, were answered by the code of ` +
      `${codeHashes.size} contracts (${pinned} of them pinned), in ${gasUsed} gas.`,
  );
}

/** Whether something could be worked out; a fault has been reported by its own link. */
function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/**
 * Links from a block's hash to what is in it: its header, its receipts, its state, and what calls say over that state.
 */
import { fromHex, toHex } from "../bytes.ts";
import { decodeHeader } from "../chain/header.ts";
import { provenState } from "../proven-state.ts";
import { type Finding, holds, refuted, unsettled } from "../verification.ts";
import type { Context } from "./context.ts";

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
  return holds(`The header has the block's hash, is of number ${header.number} and time ${header.timestamp}.`);
}

export function checkReceipts({ evidence }: Context): Finding {
  if (evidence?.kind !== "logs") return unsettled("Not needed: no logs are brought as evidence.");
  return unsettled("Not looked at yet.");
}

export function checkState({ evidence }: Context): Finding {
  if (evidence?.kind !== "calls") return unsettled("Not needed: no state is brought as evidence.");
  const { witness } = evidence;
  provenState(witness, decodeHeader(fromHex(witness.header)).stateRoot);
  const slots = witness.accounts.reduce((sum, account) => sum + account.slots.length, 0);
  return holds(`${witness.accounts.length} accounts and ${slots} slots are below the header's state root.`);
}

export function checkCall({ evidence }: Context): Finding {
  if (evidence?.kind !== "calls") return unsettled("Not needed: no state is brought as evidence.");
  return unsettled("Not looked at yet.");
}

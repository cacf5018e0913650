/** What a protocol's contracts hold of an asset, against what they owe its customers by our figures. */
import { compareKeys } from "./order.ts";
import type { Reason } from "./result.ts";

/** More creditors than this are not named one by one: an assessment would grow with the number of customers. */
export const MAX_CREDITORS = 256;

/**
 * Amounts with 18 decimals, all of the end of one block. `owed` names everyone who is owed something, in the order of
 * keys; it is one total where they are more than `MAX_CREDITORS`.
 */
export type Custody = { held: bigint; owed: Readonly<Record<string, bigint>> | bigint };

/** Custody, or why it is unknown. */
export type CustodyFigure = { custody: Custody; reason: null } | { custody: null; reason: Reason };

/** `owed` of a custody, from what each creditor is owed; whoever is owed nothing, or owes, is no creditor. */
export function owedTo(claims: Iterable<readonly [creditor: string, amount: bigint]>): Custody["owed"] {
  let total = 0n;
  const creditors: (readonly [string, bigint])[] = [];
  for (const claim of claims) {
    if (claim[1] <= 0n) continue;
    total += claim[1];
    if (creditors.length <= MAX_CREDITORS) creditors.push(claim);
  }
  if (creditors.length > MAX_CREDITORS) return total;
  return Object.fromEntries(creditors.sort(([a], [b]) => compareKeys(a, b)));
}

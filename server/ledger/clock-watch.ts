import type { Ledger } from "./ledger.ts";

/** A clock that is right, and is set back by less, is not told of. */
export const CLOCK_TOLERANCE_MS = 1_000;

/**
 * Tells once of every stretch of time in which the clock lies behind the time of the last checkpoint.
 * @param warn told by how many milliseconds.
 * @returns the function that ends it.
 */
export function watchClock(ledger: Pick<Ledger, "clockBehindMs" | "subscribe">, warn: (behindMs: number) => void) {
  let told = false;
  const look = () => {
    const behindMs = ledger.clockBehindMs();
    const isBehind = behindMs > CLOCK_TOLERANCE_MS;
    if (isBehind && !told) warn(behindMs);
    told = isBehind;
  };
  look();
  return ledger.subscribe(look);
}

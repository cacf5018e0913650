/**
 * The two orders everything is folded in: chain order for events, raw bytes for keys. Never a collation: a database's or
 * locale's idea of order must not reach a root.
 */

/** Compares two keys by the raw bytes of their UTF-8 form. Our keys are ASCII, where code units and bytes agree. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares two byte strings, shorter first on a common prefix. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** A place on one chain. */
export type ChainPosition = { blockNumber: bigint; logIndex: number };

/** Compares two places on one chain. */
export function comparePositions(a: ChainPosition, b: ChainPosition): number {
  if (a.blockNumber !== b.blockNumber) return a.blockNumber < b.blockNumber ? -1 : 1;
  return a.logIndex - b.logIndex;
}

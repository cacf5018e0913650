/**
 * The order of keys and bytes: that of raw bytes. Never a collation: a database's or locale's idea of order must not reach
 * a root.
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

import type { Anchoring } from "../../src/core/proof/bundle.ts";
import type { SignedHead } from "../ledger/ledger.ts";
import type { Cosignatures, CosignedHead } from "./cosignatures.ts";

/** Heads of at least `from` leaves that chains have for good, the largest first, and what shows each. */
export type AnchoredHeads = (range: { from: number; limit: number }) => readonly (Anchoring & { size: number })[];

/** The head that a bundle is made under: its note with all cosignatures, and where a chain has it. */
export type BundleHead = { note: string; anchor: Anchoring | null };

/** Anchored heads that are looked at for one that is also cosigned. */
const LOOKED_AT = 8;

/** The largest cosigned head of at least `from` leaves, or else the last head, with all cosignatures there are of it. */
export function largestHead(
  from: number,
  { last, cosignatures }: { last: SignedHead; cosignatures: Pick<Cosignatures, "newest" | "at"> },
): CosignedHead {
  return cosignatures.newest(from) ?? cosignatures.at(last.size) ?? last;
}

/**
 * Of the heads with at least `from` leaves the largest that is cosigned and anchored, or else cosigned, or else anchored, or
 * else the last: who checks a bundle can ask for what is there, and not for more.
 */
export function bundleHead(
  from: number,
  parts: { last: SignedHead; cosignatures: Cosignatures; anchoredHeads: AnchoredHeads },
): BundleHead {
  const { last, cosignatures, anchoredHeads } = parts;
  const anchored = anchoredHeads({ from, limit: LOOKED_AT });
  const both = anchored.find(({ size }) => cosignatures.isCosigned(size));
  const cosigned = both === undefined ? cosignatures.newest(from) : null;
  if (cosigned !== null) return { note: cosigned.note, anchor: null };
  const on = both ?? anchored[0];
  const note = on === undefined ? undefined : cosignatures.at(on.size)?.note;
  if (on !== undefined && note !== undefined) return { note, anchor: { anchored: on.anchored, evidence: on.evidence } };
  return { note: cosignatures.at(last.size)?.note ?? last.note, anchor: null };
}

import type { Journal } from "../../core/book/journal.ts";

/** A value that held from `at` (seconds) on; `cumulative` is the integral of all earlier values over time up to `at`. */
export type Point = { readonly at: bigint; readonly value: bigint; readonly cumulative: bigint };

/** Seconds of history kept at least; every averaging interval must be shorter. */
const KEPT_SECONDS = 7_200n;
/** History is cut when it holds this many points beyond what must be kept, so that cutting costs little per point. */
const CUT_AT = 2_048;

/**
 * A step function of time with its running integral: what a time-weighted average needs. `points` rise in time.
 * Invariant: a point at or before `latest.at - KEPT_SECONDS` stays, unless the history began later.
 */
export type Timeline = { points: Point[] };

/** The newest point. */
export function latest(line: Timeline): Point | undefined {
  return line.points.at(-1);
}

/** Notes that the value is `value` from `at` on; of several at one time the last counts. Undoable through `journal`. */
export function extend(journal: Journal, line: Timeline, { at, value }: { at: bigint; value: bigint }): void {
  const last = line.points.at(-1);
  if (last !== undefined && last.at === at) {
    journal.put(line.points, line.points.length - 1, { ...last, value });
    return;
  }
  const cumulative = last === undefined ? 0n : last.cumulative + last.value * (at - last.at);
  journal.push(line.points, { at, value, cumulative });
  if (line.points.length > CUT_AT) cut(journal, line, at - KEPT_SECONDS);
}

function cut(journal: Journal, line: Timeline, until: bigint): void {
  const from = indexAt(line, until);
  if (from >= CUT_AT / 2) journal.put(line, "points", line.points.slice(from));
}

/** Index of the last point at or before `at`; -1 when the history begins later. */
function indexAt({ points }: Timeline, at: bigint): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] as Point).at <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Integral of the value over time up to `at`; `null` when the history begins later. */
export function integralAt(line: Timeline, at: bigint): bigint | null {
  const point = line.points[indexAt(line, at)];
  return point === undefined ? null : point.cumulative + point.value * (at - point.at);
}

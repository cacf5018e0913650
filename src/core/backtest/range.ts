import { InputError } from "../errors.ts";
import type { BlockRef } from "../event.ts";
import { dayOf, isDay } from "../rules/day.ts";

/** A block of every chain by its number, or a UTC day. */
export type Bound = { block: bigint } | { day: string };

/** Which blocks count, both ends included; `null` is without end on that side. */
export type BlockRange = { from: Bound | null; to: Bound | null };

/** Reads a bound: a block number or a day. @throws InputError when it is neither. */
export function parseBound(text: string): Bound {
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return { block: BigInt(text) };
  if (isDay(text)) return { day: text };
  throw new InputError(`"${text}" is neither a block number nor a UTC day like 2026-04-01.`);
}

/**
 * Reads a range; a bound that is absent is without end.
 * @throws InputError for a bound that is none, and for a range that ends before it begins.
 */
export function parseRange({ from, to }: { from?: string | undefined; to?: string | undefined }): BlockRange {
  const range = { from: from === undefined ? null : parseBound(from), to: to === undefined ? null : parseBound(to) };
  if (range.from !== null && range.to !== null && endsBefore(range.from, range.to)) {
    throw new InputError(`The range from ${from} to ${to} ends before it begins.`);
  }
  return range;
}

/** Whether a range is empty on every chain; a block and a day cannot be told apart without one. */
function endsBefore(from: Bound, to: Bound): boolean {
  if ("block" in from) return "block" in to && to.block < from.block;
  return "day" in to && to.day < from.day;
}

/** The text `parseBound` reads. */
export function boundText(bound: Bound): string {
  return "block" in bound ? bound.block.toString() : bound.day;
}

/** Where a block lies: `before` the range, `in` it, or `after` it. */
export function placeIn(range: BlockRange, block: Pick<BlockRef, "number" | "timestamp">): "before" | "in" | "after" {
  if (range.from !== null && compare(block, range.from) < 0) return "before";
  if (range.to !== null && compare(block, range.to) > 0) return "after";
  return "in";
}

function compare({ number, timestamp }: Pick<BlockRef, "number" | "timestamp">, bound: Bound): number {
  if ("block" in bound) return number < bound.block ? -1 : number > bound.block ? 1 : 0;
  const day = dayOf(timestamp);
  return day < bound.day ? -1 : day > bound.day ? 1 : 0;
}

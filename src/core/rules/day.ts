/**
 * Calendar days, UTC. Rules and facts live from day to day; a block belongs to the day of its timestamp.
 */
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MILLISECONDS_PER_SECOND = 1000;
export const SECONDS_PER_DAY = 86_400n;

/** First and last day something is in force, both included; `null` is without end on that side. */
export type Validity = { from: string | null; to: string | null };

/** Whether `text` is a day that exists, like 2026-04-01. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** The UTC day of a block timestamp in seconds: `2026-04-01`. */
export function dayOf(timestampSeconds: bigint): string {
  return new Date(Number(timestampSeconds) * MILLISECONDS_PER_SECOND).toISOString().slice(0, 10);
}

/** The UTC day of a block timestamp in seconds, counted from 1970-01-01. */
export function dayNumberOf(timestampSeconds: bigint): bigint {
  return timestampSeconds / SECONDS_PER_DAY;
}

/** Whether `day` lies within `validity`. Days of four-digit years compare as text. */
export function inForce(validity: Validity, day: string): boolean {
  return (validity.from === null || validity.from <= day) && (validity.to === null || day <= validity.to);
}

/** Whether some day lies within both. */
export function overlap(a: Validity, b: Validity): boolean {
  const startsInTime = a.from === null || b.to === null || a.from <= b.to;
  const endsInTime = b.from === null || a.to === null || b.from <= a.to;
  return startsInTime && endsInTime;
}

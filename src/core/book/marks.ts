/** Marks of a chain's journal. They sort in the order of the fold: begin of a block, its logs, its end. */
const BLOCK_DIGITS = 12;
const LOG_DIGITS = 6;

/** Mark of the beginning of a block. */
export function beginMark(number: bigint): string {
  return `${number.toString().padStart(BLOCK_DIGITS, "0")}.0`;
}

/** Mark of one log. */
export function logMark(number: bigint, logIndex: number): string {
  return `${number.toString().padStart(BLOCK_DIGITS, "0")}.1.${logIndex.toString().padStart(LOG_DIGITS, "0")}`;
}

/** Mark of the end of a block. */
export function endMark(number: bigint): string {
  return `${number.toString().padStart(BLOCK_DIGITS, "0")}.2`;
}

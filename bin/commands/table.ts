import { formatDecimal } from "../../src/core/fixed.ts";

const SHOWN_DIGITS = 4;
const GAP = "  ";

/** Text in columns under their headings, each as wide as its widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    widths
      .map((width, column) => (row[column] ?? "").padEnd(width))
      .join(GAP)
      .trimEnd();
  return `${all.map(line).join("\n")}\n`;
}

/** An integer with `decimals` digits for reading: whole digits in groups, a few after the point, `~` where some were cut. */
export function amount(text: string | null, decimals: number): string {
  if (text === null) return "";
  const [whole = "0", fraction = ""] = formatDecimal(BigInt(text), decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const shown = fraction.slice(0, SHOWN_DIGITS);
  const isCut = /[1-9]/.test(fraction.slice(SHOWN_DIGITS));
  return `${isCut ? "~" : ""}${grouped}${shown === "" ? "" : `.${shown}`}`;
}

/** An allowed leverage for reading. */
export function leverage(cap: { allowedLeverage: string | null; prohibited: boolean }): string {
  if (cap.prohibited) return "prohibited";
  return cap.allowedLeverage === null ? "no cap found" : `${cap.allowedLeverage}:1`;
}

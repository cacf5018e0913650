import type { BacktestReport, Changes } from "./report.ts";

const COLUMNS = ["rule", "gained", "lost", "accounts", "notional (USD)"] as const;

/** A report for a terminal. Rules that nothing changes for are left out. */
export function backtestText(report: BacktestReport): string {
  const lines = [
    `rulebook ${report.rulebook.hash}`,
    `against  ${report.against.hash}`,
    ...report.chains.map(({ chain, fromBlock, toBlock, blocks }) =>
      blocks === 0 ? `${chain}: no block in this range` : `${chain}: blocks ${fromBlock} to ${toBlock}`,
    ),
    "",
  ];
  const rows = report.jurisdictions.flatMap(({ jurisdiction, rules, ...all }) => {
    const changed = rules.filter(({ gained, lost }) => gained + lost > 0);
    if (changed.length === 0) return [];
    return [
      rowOf(jurisdiction, all),
      ...changed.map((rule) => rowOf(`  ${rule.rule}${rule.unconfirmed ? " (unconfirmed)" : ""}`, rule)),
    ];
  });
  if (rows.length === 0) lines.push("No condition is gained or lost.");
  else lines.push(...table([[...COLUMNS], ...rows, rowOf("all", report)]));
  if (report.notionalUnknownFor > 0) {
    lines.push("", `Not in the notional: ${report.notionalUnknownFor} subjects whose notional is unknown.`);
  }
  return `${lines.join("\n")}\n`;
}

function rowOf(name: string, { gained, lost, accounts, notional }: Changes): string[] {
  return [name, String(gained), String(lost), String(accounts), wholeUp(notional)];
}

/** A plain decimal rounded up to the next whole number. */
function wholeUp(decimal: string): string {
  const [whole = "0", fraction] = decimal.split(".");
  return (BigInt(whole) + (fraction === undefined ? 0n : 1n)).toString();
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

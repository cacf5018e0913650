/** The figures of the log and of epochs as people read them. */
import type { EpochCost } from "./epochs.ts";
import type { LogCost } from "./log.ts";
import { environment } from "./report.ts";

/** What is asked of sealing, and of an epoch at which few accounts have changed. */
const LEAST_LEAVES_A_SECOND = 20_000;
const MOST_INCREMENTAL_SECONDS = 1;

const whole = (count: number) => Math.round(count).toLocaleString("en-US");

/** Markdown of what the log costs. */
export function logFigures({ seals, serving }: LogCost): string {
  const { leaves, checkpoints, seconds } = seals;
  return [
    environment(),
    "",
    `Sealing on disk: **${whole(leaves / seconds)} leaves a second**, ${whole(leaves)} of them in ${checkpoints} signed ` +
      `checkpoints of ${whole(leaves / checkpoints)}.`,
    "",
    "| served over HTTP | requests/s | MB/s | requests |",
    "|---|---|---|---|",
    ...serving.map(({ name, requests, bytes, seconds: took }) => {
      return `| ${name} | ${whole(requests / took)} | ${(bytes / 1e6 / took).toFixed(1)} | ${whole(requests)} |`;
    }),
  ].join("\n");
}

/** Where sealing is slower than is asked of it, a sentence each. */
export function logShortfalls({ seals }: LogCost): string[] {
  const rate = seals.leaves / seals.seconds;
  if (rate >= LEAST_LEAVES_A_SECOND) return [];
  return [`${whole(rate)} leaves are sealed a second; expected ${whole(LEAST_LEAVES_A_SECOND)}.`];
}

/** Markdown of what epochs cost. */
export function epochFigures({ accounts, changed, leaves, trees }: EpochCost): string {
  const ms = (seconds: number) => whole(seconds * 1000);
  return [
    environment(),
    "",
    `An epoch over **${whole(accounts)} accounts** with ${whole(leaves)} leaves in all; then another, at which ` +
      `${whole(changed)} accounts have changed.`,
    "",
    "| root | leaves | from scratch, ms | changed, ms |",
    "|---|---|---|---|",
    ...trees.map(({ name, leaves: of, scratch, incremental }) => {
      return `| ${name} | ${whole(of)} | ${ms(scratch)} | ${ms(incremental)} |`;
    }),
    `| all | ${whole(leaves)} | **${ms(sum(trees, "scratch"))}** | **${ms(sum(trees, "incremental"))}** |`,
  ].join("\n");
}

/** Where epochs are slower than is asked of them, a sentence each. */
export function epochShortfalls({ accounts, changed, trees }: EpochCost): string[] {
  const seconds = sum(trees, "incremental");
  if (seconds <= MOST_INCREMENTAL_SECONDS) return [];
  return [
    `The roots of ${accounts} accounts took ${seconds.toFixed(2)} s when ${changed} had changed; expected at most ` +
      `${MOST_INCREMENTAL_SECONDS} s.`,
  ];
}

function sum(trees: EpochCost["trees"], of: "scratch" | "incremental"): number {
  return trees.reduce((total, tree) => total + tree[of], 0);
}

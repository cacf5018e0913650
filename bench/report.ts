/** The figures as people read them. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { InvariantError } from "../src/core/errors.ts";
import type { PonderResult, Results } from "./contest.ts";
import type { Cost } from "./contestant.ts";
import { type RowCounts, sumRows } from "./fold.ts";
import { quantile } from "./live.ts";
import type { Parts, ProofResults } from "./proofs.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);

/** Parts of the document that are written here. */
const SECTIONS = {
  figures: { begin: "<!-- figures: written by npm run bench -->", end: "<!-- end of figures -->" },
  proofs: { begin: "<!-- proofs: written by npm run bench -->", end: "<!-- end of proofs -->" },
  log: { begin: "<!-- log: written by npm run bench -->", end: "<!-- end of log -->" },
  epochs: { begin: "<!-- epochs: written by npm run bench -->", end: "<!-- end of epochs -->" },
} as const;

export type Section = keyof typeof SECTIONS;

/** What is asked of the indexer, beside right sums. */
const LEAST_SHARE_OF_BARE = 0.5;
const MOST_BEHIND_BARE_MS = 150;
/** What is asked of assessing 10,000 accounts under all rules. */
const MOST_MICROSECONDS_AN_ACCOUNT = 200;
const LEAST_DETERMINATE = 0.8;
/** What is asked of every proof. */
const MOST_VERIFY_MS = 1_000;
const MOST_BUNDLE_BYTES = 400_000;

/** Sums that are wrong, a sentence each. */
export function wrongSums({ script, bare, plumbline }: Results): string[] {
  return Object.entries({ script, bare, plumbline }).flatMap(([name, { mismatches }]) =>
    mismatches.map((mismatch) => `${name}: ${mismatch}`),
  );
}

/** Where the indexer is slower than is asked of it, a sentence each. */
export function shortfalls(results: Results): string[] {
  const { share, behindMs } = comparison(results);
  const found: string[] = [];
  if (share < LEAST_SHARE_OF_BARE) {
    found.push(`Warm, the indexer reaches ${share.toFixed(2)} of bare Ponder's rate; expected ${LEAST_SHARE_OF_BARE}.`);
  }
  if (behindMs > MOST_BEHIND_BARE_MS) {
    found.push(`Live, the indexer's p95 is ${Math.round(behindMs)} ms above bare Ponder's; expected at most 150.`);
  }
  const { accounts, seconds, evaluations, determinate } = results.assessed;
  if (seconds * 1e6 > accounts * MOST_MICROSECONDS_AN_ACCOUNT) {
    found.push(`Assessing ${accounts} accounts took ${seconds.toFixed(2)} s; expected 2 s for 10,000.`);
  }
  if (determinate < evaluations * LEAST_DETERMINATE) {
    found.push(`Of ${evaluations} evaluations ${determinate} are determinate; expected ${LEAST_DETERMINATE}.`);
  }
  return found;
}

/** Proofs that are larger or slower than is asked of them, a sentence each. */
export function proofShortfalls({ proofs }: ProofResults): string[] {
  return proofs.flatMap(({ name, verifyMs, bytes }) => {
    const slowest = Math.max(...verifyMs);
    return [
      ...(bytes > MOST_BUNDLE_BYTES ? [`The bundle of ${name} has ${bytes} bytes; expected at most 400,000.`] : []),
      ...(slowest > MOST_VERIFY_MS ? [`${name} took ${Math.round(slowest)} ms to verify; expected at most 1 s.`] : []),
    ];
  });
}

function comparison({ bare, plumbline }: Results): { share: number; behindMs: number } {
  return {
    share: bare.warm.wallSeconds / plumbline.warm.wallSeconds,
    behindMs: quantile(plumbline.delays, 0.95) - quantile(bare.delays, 0.95),
  };
}

/** Markdown of one run. */
export function figures(results: Results): string {
  const { workload, folded, script, bare, plumbline } = results;
  const { totals, options } = workload;
  const rate = (cost: Cost) => Math.round(totals.logs / cost.wallSeconds).toLocaleString("en-US");
  const row = (name: string, cost: Cost) =>
    `| ${name} | ${cost.wallSeconds.toFixed(1)} | ${rate(cost)} | ${Math.round(cost.peakMb)} | ${cost.cpuSeconds.toFixed(1)} |`;
  const live = (name: string, { delays }: PonderResult) =>
    `| ${name} | ${Math.round(quantile(delays, 0.5))} | ${Math.round(quantile(delays, 0.95))} | ${delays.length} |`;
  const { share, behindMs } = comparison(results);
  return [
    environment(),
    "",
    `Workload: seed ${options.seed}, ${totals.logs.toLocaleString("en-US")} logs and ` +
      `${totals.trades.toLocaleString("en-US")} trades in ${options.blocks.toLocaleString("en-US")} blocks, ` +
      `${options.accounts.toLocaleString("en-US")} accounts.`,
    "",
    "| system | wall s | events/s | peak MB | CPU s |",
    "|---|---|---|---|---|",
    row("plain viem script → SQLite", script.cost),
    row("bare Ponder, cold", bare.cold),
    row("bare Ponder, warm", bare.warm),
    row("Plumbline, cold", plumbline.cold),
    row("Plumbline, warm", plumbline.warm),
    "",
    `Warm, Plumbline reaches **${share.toFixed(2)}** of bare Ponder's events per second. Adapters and book alone, in ` +
      `memory: ${folded.seconds.toFixed(1)} s, ${Math.round(totals.logs / folded.seconds).toLocaleString("en-US")} events/s.`,
    "",
    `| a block a second, ${options.liveLogsPerBlock} events | p50 ms | p95 ms | blocks |`,
    "|---|---|---|---|",
    live("bare Ponder", bare),
    live("Plumbline", plumbline),
    "",
    `Plumbline's p95 is ${Math.round(behindMs)} ms above bare Ponder's.`,
    "",
    `Rows written, upserts counted every time: ${rowText(sumRows(folded.rows))}.`,
    "",
    assessmentText(results),
  ].join("\n");
}

function assessmentText({ assessed }: Results): string {
  const { accounts, rules, evaluations, determinate, seconds } = assessed;
  const whole = (count: number) => count.toLocaleString("en-US");
  const share = ((100 * determinate) / evaluations).toFixed(1);
  return (
    `**${whole(accounts)} accounts** with open positions under all ${rules} rules that are evaluated, on one core: ` +
    `**${seconds.toFixed(2)} s** for ${whole(evaluations)} evaluations, ${share} % of them determinate.`
  );
}

function rowText(rows: RowCounts): string {
  return Object.entries(rows)
    .map(([table, count]) => `${count.toLocaleString("en-US")} ${table}`)
    .join(", ");
}

/** The machine, the versions and the commit that figures are of. */
export function environment(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const machine = `${cpus().length} × ${cpu?.model.trim() || "unnamed CPU"}, ${memory}, Linux ${release()}`;
  const date = new Date().toISOString().slice(0, 10);
  const load = loadavg()
    .map((l) => l.toFixed(1))
    .join(" ");
  return `${date}, ${machine}; Node ${process.version}, ${versions()}. Load average at the end: ${load}.`;
}

function versions(): string {
  const { dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const names = ["ponder", "viem", "@foundry-rs/anvil", "better-sqlite3", "@ethereumjs/evm"];
  return [...names.map((name) => `${name} ${dependencies[name]}`), `commit ${commit()}`].join(", ");
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

/** Markdown of what proofs cost. `note` says how far the figures are to be taken. */
export function proofFigures({ proofs, trie }: ProofResults, note = ""): string {
  const whole = (count: number) => Math.round(count).toLocaleString("en-US");
  const times = (ms: readonly number[]) => `${whole(quantile(ms, 0.5))} / ${whole(quantile(ms, 0.95))}`;
  const parts: (keyof Parts)[] = ["code", "nodes", "accounts", "rulebook", "deployment", "rest"];
  return [
    `${environment()}${note}`,
    "",
    "| proof | capture ms, p50 / p95 | verify ms, p50 / p95 | runs |",
    "|---|---|---|---|",
    ...proofs.map(({ name, captureMs, verifyMs }) => {
      return `| ${name} | ${times(captureMs)} | ${times(verifyMs)} | ${captureMs.length}, ${verifyMs.length} |`;
    }),
    "",
    `| bundle, bytes | all | ${parts.join(" | ")} |`,
    `|---|---|${"---|".repeat(parts.length)}`,
    ...proofs.map(({ name, bytes, parts: of }) => {
      return `| ${name} | ${whole(bytes)} | ${parts.map((part) => whole(of[part])).join(" | ")} |`;
    }),
    "",
    `Receipts trie of 1,000 receipts: ${whole(trie.encodeMs)} ms to encode them with their blooms, ` +
      `${whole(trie.buildMs)} ms to build it; a proof has ${whole(trie.proofBytes)} bytes and is verified in ` +
      `${trie.verifyMs.toFixed(1)} ms.`,
  ].join("\n");
}

/** Puts a section's text into the document. @throws InvariantError when it has no place for it. */
export function writeSection(name: Section, figures: string): void {
  const text = readFileSync(DOCUMENT, "utf8");
  const section = SECTIONS[name];
  const [begin, end] = [text.indexOf(section.begin), text.indexOf(section.end)];
  if (begin < 0 || end < begin) throw new InvariantError(`docs/performance.md has no place marked ${section.begin}.`);
  writeFileSync(DOCUMENT, `${text.slice(0, begin)}${section.begin}\n${figures}\n${text.slice(end)}`);
}

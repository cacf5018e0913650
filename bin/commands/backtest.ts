import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import * as z from "zod";
import { ADAPTERS } from "../../src/adapters/catalogue.ts";
import { backtest, type ChainBacktest } from "../../src/core/backtest/backtest.ts";
import { type HistoryBlock, parseHistoryLine, rowsOf } from "../../src/core/backtest/history-line.ts";
import { parseRange } from "../../src/core/backtest/range.ts";
import { type BacktestReport, reportOf } from "../../src/core/backtest/report.ts";
import { backtestText } from "../../src/core/backtest/report-text.ts";
import type { Rows } from "../../src/core/book/replay.ts";
import { type Deployment, parseDeployment } from "../../src/core/deployment.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { chainIdOf } from "../../src/core/ids.ts";
import { type Rulebook, rulebookFrom } from "../../src/core/rules/rule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { baseUrl, collect } from "./question.ts";

const ANSWER_WITHIN_MS = 60_000;
/** Blocks folded between two words of progress. */
const PAGE_BLOCKS = 200;
/** A line is one block with its rows; nothing on any chain comes near. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

/** Options of `plumbline backtest` as commander gives them. */
export type BacktestFlags = {
  rulebook: string;
  against?: string;
  from?: string;
  to?: string;
  chain?: readonly string[];
  url?: string;
  json?: boolean;
};

/** What a running Plumbline says of its history. */
type Ground = { chains: readonly string[]; deployment: Deployment; rulebook: Rulebook };

/** `plumbline backtest`: what another rulebook would have found in the history a running Plumbline has recorded. */
export function backtestCommand(): Command {
  return new Command("backtest")
    .description("replay recorded history under another rulebook: conditions gained and lost")
    .requiredOption("--rulebook <dir-or-file>", "rulebook on trial; a file replaces its namesake in the one in force")
    .option("--against <dir-or-file>", "what it is compared with; the rulebook in force unless given")
    .option("--from <block-or-day>", "first block or UTC day that counts")
    .option("--to <block-or-day>", "last block or UTC day that counts")
    .option("--chain <caip2>", "a chain like eip155:901; may be repeated; all of them unless given", collect)
    .option("--url <url>", "a running Plumbline; this machine's unless given")
    .option("--json", "print the report as JSON")
    .action(async (flags: BacktestFlags) => {
      const report = await backtestAt(flags, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : backtestText(report));
    });
}

/**
 * Runs a backtest over the history of a running Plumbline.
 * @param say takes words of progress.
 * @throws InputError for an option or rulebook that cannot be used, ProviderError when the history cannot be had whole.
 */
async function backtestAt(flags: BacktestFlags, say: (line: string) => void): Promise<BacktestReport> {
  const range = parseRange(flags);
  const url = baseUrl(flags.url);
  const ground = await askGround(url);
  const rulebook = readRulebook(flags.rulebook, ground.rulebook);
  const against = flags.against === undefined ? ground.rulebook : readRulebook(flags.against, ground.rulebook);
  const found: ChainBacktest[] = [];
  for (const chain of chosen(flags.chain, ground.chains)) {
    const rows = readHistory(url, chain);
    const onProgress = ({ block }: { block: bigint }) => say(`${chain} block ${block}`);
    const { deployment } = ground;
    found.push(await backtest({ chain, deployment, adapters: ADAPTERS, rulebook, against, rows, range, onProgress }));
  }
  return reportOf(found, { rulebook, against, range });
}

/** A folder is a whole rulebook; a file takes the place of its namesake in the one in force, or joins it. */
function readRulebook(path: string, inForce: Rulebook): Rulebook {
  if (isFolder(path)) return readRulebooks(path);
  const { format, files } = inForce.source as { format: string; files: Record<string, unknown> };
  const name = basename(path).replace(/\.json$/, "");
  return rulebookFrom({ format, files: { ...files, [name]: readJson(path) } });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    throw new InputError(`The rulebook "${path}" cannot be read; expected a folder or a file.`);
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new InputError(`The rulebook file "${file}" is not JSON.`);
  }
}

function chosen(asked: readonly string[] | undefined, chains: readonly string[]): readonly string[] {
  const stranger = asked?.find((chain) => !chains.includes(chain));
  if (stranger !== undefined) throw new InputError(`--chain is "${stranger}"; expected one of ${chains.join(", ")}.`);
  return asked === undefined ? chains : [...new Set(asked)];
}

async function askGround(url: string): Promise<Ground> {
  const response = await request(`${url}/v1/history`, AbortSignal.timeout(ANSWER_WITHIN_MS));
  const shape = z.object({ chains: z.array(z.string()), deployment: z.unknown(), rulebook: z.unknown() });
  const parsed = shape.safeParse(await response.json().catch(() => null));
  if (!response.ok || !parsed.success) {
    throw new ProviderError(`${url} does not say what history it has (HTTP ${response.status}).`);
  }
  const { chains, deployment, rulebook } = parsed.data;
  return {
    chains,
    deployment: parseDeployment(JSON.stringify(deployment), `of ${url}`),
    rulebook: rulebookFrom(rulebook),
  };
}

/** The history of a chain, some blocks at a time. @throws ProviderError when it breaks off or is not whole. */
async function* readHistory(url: string, chain: string): AsyncGenerator<Rows> {
  const response = await request(`${url}/v1/history?chain=${encodeURIComponent(chain)}`);
  if (!response.ok || response.body === null) {
    throw new ProviderError(`${url} does not give the history of ${chain} (HTTP ${response.status}).`);
  }
  let blocks: HistoryBlock[] = [];
  for await (const line of linesOf(response.body, `The history of ${chain}`)) {
    const last = lastWord(line);
    if (last?.error !== undefined) throw new ProviderError(last.error);
    if (last === null) blocks.push(parseHistoryLine(line, chainIdOf(chain)));
    if (last !== null || blocks.length >= PAGE_BLOCKS) {
      yield rowsOf(blocks);
      blocks = [];
    }
    if (last !== null) return;
  }
  throw new ProviderError(`The history of ${chain} broke off; try again.`);
}

/** What the last line says, or null for a line that is a block. */
function lastWord(line: string): { error?: string } | null {
  if (line.startsWith('{"end":')) return {};
  if (!line.startsWith('{"error":')) return null;
  return { error: String((JSON.parse(line) as { error: unknown }).error) };
}

async function* linesOf(body: ReadableStream<Uint8Array>, what: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE_CHARACTERS) throw new ProviderError(`${what} has a line that does not end.`);
      yield* lines;
    }
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError(`${what} broke off: ${(error as Error).message}.`);
  }
}

async function request(url: string, signal?: AbortSignal): Promise<Response> {
  // A connection of its own: while a chain is folded nothing is read, and a server closes one that has been idle so long.
  const headers = { connection: "close" };
  try {
    return await fetch(url, signal === undefined ? { headers } : { headers, signal });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new ProviderError(`${url} cannot be reached: ${cause instanceof Error ? cause.message : message}.`);
  }
}

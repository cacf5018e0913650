import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { createMonitor, type Monitor, type Sighting } from "../../server/others/monitor.ts";
import {
  type MonitorState,
  readMonitorState,
  writeEvidence,
  writeMonitorState,
} from "../../server/others/monitor-state.ts";
import { remoteLog } from "../../server/others/remote-log.ts";
import { InputError } from "../../src/core/errors.ts";
import { parseEvidence, verifyEvidence } from "../../src/core/log/fault.ts";
import { type Head, openHead } from "../../src/core/log/head.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { MAX_BYTES } from "../../src/core/proof/canonical.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import {
  collect,
  keepLooking,
  keysFor,
  prefixOf,
  RETRY_MS,
  readEvery,
  stamp,
  stopSignal,
  TIMEOUT_MS,
} from "./following.ts";

const EXIT_FAULT = 1;

/** Options of `plumbline monitor` as commander gives them. */
export type MonitorFlags = {
  logKey?: readonly string[];
  state?: string;
  every: string;
  once?: boolean;
  full?: boolean;
  evidence?: string;
  checkEvidence?: string;
};

/** `plumbline monitor`: watches a log from outside. Exit code 0 stopped, 1 a fault was found, 2 it could not be watched. */
export function monitorCommand(): Command {
  return new Command("monitor")
    .description("watch a log from outside; exit code 0 nothing found, 1 a fault with evidence, 2 could not be watched")
    .argument("[url]", "where the log is served, like https://host/log")
    .option("--log-key <key>", "verifier key of the log, name+hash+base64; may be repeated", collect)
    .option("--state <file>", "where the last good head is kept (default: a file of its own in the data directory)")
    .option("--every <seconds>", "how often to look", "30")
    .option("--once", "look once")
    .option("--full", "read all entries at first, not only those added since the last good head")
    .option("--evidence <file>", "where evidence of a fault goes (default: beside the state)")
    .option("--check-evidence <file>", "judge a file of evidence; exit code 0 proven, 1 not proven, 2 unusable")
    .action(async (url: string | undefined, flags: MonitorFlags) => {
      if (flags.checkEvidence !== undefined) {
        if (url !== undefined) throw new InputError(`--check-evidence needs no log; "${url}" was given.`);
        process.exitCode = checkEvidence(flags.checkEvidence, flags.logKey ?? []);
        return;
      }
      const stop = stopSignal();
      process.exitCode = await watch(url ?? "", flags, stop);
      // A request that was under way when it was to stop is not waited for.
      if (stop.aborted) process.exit();
    });
}

/**
 * Watches until a fault is found, `signal` says stop, or, with `once`, for one look.
 * @returns the exit code.
 * @throws InputError for options that cannot be used or a log that is not the key's, ProviderError when the log does not
 * answer the only look.
 */
export async function watch(url: string, flags: MonitorFlags, signal: AbortSignal): Promise<number> {
  const everyMs = readEvery(flags.every) * 1_000;
  const prefix = prefixOf(url);
  const log = remoteLog(prefix, { timeoutMs: TIMEOUT_MS });
  const file = flags.state ?? defaultStateFile(prefix);
  const known = readMonitorState(file);
  if (known !== null && known.log !== prefix) {
    throw new InputError(`${file} is of the log at ${known.log}, not of ${prefix}; choose another --state.`);
  }
  let logKeys: readonly string[] = [];
  let monitor: Monitor | null = null;
  const look = async (): Promise<Sighting> => {
    if (monitor === null) {
      logKeys = await keysFor(log, { given: flags.logKey ?? [], kept: known?.logKeys ?? null });
      const last = known === null ? null : openKept(known, { file, logKeys });
      monitor = createMonitor(log, { logKeys, last, full: flags.full ?? false, retryMs: RETRY_MS });
    }
    return await monitor.look();
  };
  let isFirst = true;
  const take = async (seen: Sighting): Promise<number | null> => {
    if (seen.type === "fault") return reportFault(seen, flags.evidence ?? file.replace(/(\.json)?$/, ".evidence.json"));
    writeMonitorState(file, { log: prefix, logKeys: [...logKeys], note: seen.head.note });
    if (seen.added > 0 || isFirst) process.stdout.write(`${lineOf(seen.head, seen.added)}\n`);
    isFirst = false;
    return null;
  };
  return keepLooking({ look, take }, { everyMs, once: flags.once === true, signal });
}

/** Says what was found. Evidence that cannot be written to its file is printed: it may not come again. */
function reportFault(fault: Sighting & { type: "fault" }, file: string): number {
  process.stdout.write(`${stamp()}  ${fault.finding}: ${fault.sentence}\n`);
  try {
    process.stdout.write(`evidence: ${writeEvidence(file, fault.evidence)}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.stdout.write(`${new TextDecoder().decode(fault.evidence)}\n`);
  }
  return EXIT_FAULT;
}

function openKept({ note }: MonitorState, { file, logKeys }: { file: string; logKeys: readonly string[] }): Head {
  try {
    return openHead(note, logKeys.map(parseVerifierKey));
  } catch (error) {
    throw new InputError(`The head kept in ${file} cannot be read with this key: ${(error as Error).message}`);
  }
}

/** Prints what a file of evidence comes to. */
function checkEvidence(file: string, logKeys: readonly string[]): number {
  let bytes: Uint8Array;
  try {
    if (statSync(file).size > MAX_BYTES) throw new InputError(`${file} is too long for evidence.`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file} cannot be read: ${(error as Error).message}.`);
  }
  parseEvidence(bytes);
  logKeys.forEach(parseVerifierKey);
  const trusted = logKeys.length === 0 ? null : { logKeys, timeKeys: [] };
  const { status, finding, sentence, keys } = verifyEvidence(bytes, trusted);
  const lines = [`${status}${finding === null ? "" : ` ${finding}`}: ${sentence}`];
  if (status !== "refuted") lines.push(`It is evidence against whoever holds: ${keys.join(" ")}`);
  if (trusted === null && status !== "refuted") {
    lines.push("The keys are those of the file; that they are the log's must be known from elsewhere (--log-key).");
  }
  process.stdout.write(`${lines.join("\n")}\n`);
  return status === "proven" ? 0 : 1;
}

function defaultStateFile(prefix: string): string {
  const name = prefix.replace(/^https?:\/\//, "").replaceAll(/[^A-Za-z0-9.-]+/g, "-");
  return join(process.env.PLUMBLINE_DATA || ".plumbline", "monitor", `${name}.json`);
}

function lineOf({ size, root }: Head, added: number): string {
  return `${stamp()}  ${size} leaves  root ${toHex(root).slice(2)}  +${added}`;
}

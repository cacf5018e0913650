/**
 * What the commands that follow somebody's log have in common.
 */
import type { RemoteLog } from "../../server/others/remote-log.ts";
import { InputError } from "../../src/core/errors.ts";
import { parseKeyList } from "../../src/core/log/head.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";

/** How long a server may take over one answer, and after how long a file that was wrong is asked for again. */
export const TIMEOUT_MS = 15_000;
export const RETRY_MS = 1_000;

/** Collects an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Where a log is served, of the ways in which it may be written. */
export function prefixOf(url: string): string {
  return url.replace(/\/+$/, "").replace(/\/checkpoint$/, "");
}

/**
 * Keys by which a log is read: those given, else those of an earlier run, else, with a warning, what the log itself serves.
 * @throws InputError for what is no key, ProviderError when the log does not answer.
 */
export async function keysFor(
  log: RemoteLog,
  { given, kept }: { given: readonly string[]; kept: readonly string[] | null },
): Promise<readonly string[]> {
  given.forEach(parseVerifierKey);
  if (given.length > 0) return given;
  if (kept !== null) return kept;
  const served = await log.keys();
  parseKeyList(served);
  const keys = served.trimEnd().split("\n");
  process.stderr.write(
    `warning: no --log-key was given. What the log serves as its key is believed: ${keys.join(" ")}\n` +
      "warning: whoever serves another log can serve another key; compare it with one from elsewhere.\n",
  );
  return keys;
}

/** Seconds between two looks. @throws InputError for anything but 1 to 99999. */
export function readEvery(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InputError(`--every is "${text}"; expected seconds from 1 to 99999.`);
  return Number(text);
}

/** Aborted by SIGINT and SIGTERM. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** The time as lines begin with it. */
export function stamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** A sentence of something that will be tried again. */
export function warn(sentence: string): void {
  process.stderr.write(`${stamp()}  warning: ${sentence}\n`);
}

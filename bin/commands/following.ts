/**
 * What the commands that follow somebody's log have in common.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { MissingFile, type RemoteLog } from "../../server/others/remote-log.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { parseKeyList } from "../../src/core/log/head.ts";
import { plainText } from "../../src/core/log/json-difference.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";

/** How long a server may take over one answer, and after how long a file that was wrong is asked for again. */
export const TIMEOUT_MS = 15_000;
export const RETRY_MS = 1_000;
/** How long the next look waits after one that failed: doubled with each in a row, and this at most. */
const BACKOFF_MAX_MS = 300_000;

/** A look that takes longer is told of as often: a log can sign any size, and go on serving entries without end. */
const LONG_LOOK_MS = 300_000;

const STOPPED = Symbol("stopped");

/** One look after another at somebody's log. */
export type Looks<T> = {
  /** What the log gives now. @throws ProviderError when it does not answer; InputError when it is not what it should be. */
  look(): Promise<T>;
  /** Says what a look came to. @returns the exit code to end with; null to look again. */
  take(seen: T): Promise<number | null>;
};

/**
 * Looks again and again until `take` has an exit code or `signal` says stop, or, with `once`, one time.
 * @returns the exit code; 0 when it was stopped.
 * @throws InputError when nothing good has been seen yet, ProviderError with `once`; whatever else `look` and `take` throw.
 */
export async function keepLooking<T>(
  { look, take }: Looks<T>,
  { everyMs, once, signal }: { everyMs: number; once: boolean; signal: AbortSignal },
): Promise<number> {
  const stopped = stopOf(signal);
  for (let good = 0, failures = 0; !signal.aborted; ) {
    try {
      const seen = await Promise.race([tellingOfLong(look), stopped]);
      if (seen === STOPPED) break;
      const exitCode = await take(seen);
      if (exitCode !== null) return exitCode;
      good++;
      failures = 0;
    } catch (error) {
      // What cannot be opened at first is a wrong key; later on, whatever stands before the log may have spoken for it.
      const passes = error instanceof ProviderError || (error instanceof InputError && good > 0);
      if (!passes || once) throw error;
      failures++;
      warn(`${plainText(error.message)} Trying again in ${backoffMs(failures) / 1_000} s.`);
    }
    if (once) break;
    await sleep(failures > 0 ? backoffMs(failures) : everyMs, undefined, { signal }).catch(() => {});
  }
  return 0;
}

async function tellingOfLong<T>(look: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const tell = () => {
    const minutes = Math.round((performance.now() - from) / 60_000);
    warn(`The log has been read for ${minutes} minutes, and nothing is known of its last head before that ends.`);
  };
  const telling = setInterval(tell, LONG_LOOK_MS).unref();
  try {
    return await look();
  } finally {
    clearInterval(telling);
  }
}

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
  let served: string;
  try {
    served = await log.keys();
    parseKeyList(served);
  } catch (error) {
    if (error instanceof MissingFile) {
      throw new ProviderError(`No log is served at ${log.prefix}; expected an address like https://host/log.`);
    }
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`What is served at ${log.prefix}/key is no list of a log's keys: ${error.message}`);
  }
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

/** Resolved when `signal` says stop. */
export function stopOf(signal: AbortSignal): Promise<typeof STOPPED> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(STOPPED);
    signal.addEventListener("abort", () => resolve(STOPPED), { once: true });
  });
}

/** How long to wait after so many looks in a row that failed. */
function backoffMs(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), BACKOFF_MAX_MS);
}

/** The time as lines begin with it. */
export function stamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** A sentence of something that will be tried again. */
function warn(sentence: string): void {
  process.stderr.write(`${stamp()}  warning: ${sentence}\n`);
}

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import { Command } from "commander";
import { ensureWitnessSeed, WITNESS_KEY } from "../../server/auth/keys.ts";
import { type Listening, serve } from "../../server/http/serve.ts";
import { type EpochSources, parseUncompared } from "../../server/others/epoch-check.ts";
import { tellRefusal } from "../../server/others/epoch-refusal.ts";
import type { WitnessLook, WitnessRefusal } from "../../server/others/follower.ts";
import { writeEvidence } from "../../server/others/monitor-state.ts";
import { type RemoteLog, remoteLog } from "../../server/others/remote-log.ts";
import { remoteRecord } from "../../server/others/remote-record.ts";
import { createWitness, type Witness } from "../../server/others/witness.ts";
import { createWitnessApp } from "../../server/others/witness-app.ts";
import { openWitnessStore, type WitnessStore } from "../../server/others/witness-state.ts";
import { InputError } from "../../src/core/errors.ts";
import { type Cosigner, cosignerOf } from "../../src/core/log/cosignature.ts";
import { plainText } from "../../src/core/log/json-difference.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import {
  collect,
  keepLooking,
  keysFor,
  prefixOf,
  RETRY_MS,
  readEvery,
  stamp,
  stopOf,
  stopSignal,
  TIMEOUT_MS,
} from "./following.ts";

/** Options of `plumbline witness` as commander gives them. */
export type WitnessFlags = {
  follow: string;
  logKey?: readonly string[];
  own?: string;
  consistencyOnly?: boolean;
  uncompared?: readonly string[];
  again?: boolean;
  name: string;
  port: string;
  every: string;
  once?: boolean;
  state?: string;
};

/** The witness of one log, as it runs. */
type Session = {
  origin: string;
  logKeys: readonly string[];
  log: RemoteLog;
  epochs: EpochSources | null;
  store: WitnessStore;
  witness: Witness;
  listening: Listening | null;
};

const OWN = "http://127.0.0.1:4000";
/** Shorter than a log waits for an answer. */
const PATIENCE_MS = 10_000;
/** How often naming a difference is tried while a server does not answer. */
const MAX_TELLINGS = 3;
const EXIT_REFUSED = 1;
const EXIT_UNCOMPARED = 2;

/** `plumbline witness`: cosigns another operator's log where it agrees with the own server. */
export function witnessCommand(): Command {
  return new Command("witness")
    .description(
      "compare another operator's log with the own server and cosign it; with --once: exit code 0 agrees, 1 does not, 2 not compared",
    )
    .requiredOption("--follow <url>", "where the log is served, like https://host/log")
    .option("--log-key <key>", "verifier key of the log, name+hash+base64; may be repeated", collect)
    .option("--own <url>", `the server whose epochs its are compared with (default: ${OWN})`)
    .option("--consistency-only", "compare no epochs: cosign every head that follows from the last")
    .option("--uncompared <epochs>", "cosign these without comparing, like eip155:10 or eip155:901/0-119", collect)
    .option("--again", "forget that an epoch was refused, and compare it again")
    .option("--name <name>", "the witness's name in its key", "plumbline.local/witness")
    .option("--port <port>", "where requests for cosignatures are answered", "4100")
    .option("--every <seconds>", "how often to look", "30")
    .option("--once", "look once, and cosign nothing")
    .option("--state <file>", "what has been cosigned (default: a file in the data directory)")
    .action(async (flags: WitnessFlags) => {
      const stop = stopSignal();
      process.exitCode = await runWitness(flags, stop);
      // A request that was under way when it was to stop is not waited for.
      if (stop.aborted) process.exit();
    });
}

/**
 * Follows, compares and answers requests until `signal` says stop, or, with `once`, for one look.
 * @returns the exit code.
 * @throws InputError for options that cannot be used or a log that is not the key's; ProviderError when a server does not
 * answer the only look.
 */
export async function runWitness(flags: WitnessFlags, signal: AbortSignal): Promise<number> {
  const everyMs = readEvery(flags.every) * 1_000;
  const port = readPort(flags.port);
  const epochs = epochSources(flags);
  const { store, cosigner, folder } = openFiles(flags);
  const tell = createTeller(folder);
  const once = flags.once === true;
  const stopped = stopOf(signal);
  const running: { session: Session | null } = { session: null };
  const look = async () => {
    running.session ??= await begin(flags, { store, cosigner, epochs, port, onFault: tell.fault });
    return { session: running.session, seen: await running.session.witness.look() };
  };
  const take = async ({ session, seen }: { session: Session; seen: WitnessLook }): Promise<number | null> => {
    await Promise.race([tell.look(session, seen), stopped]);
    return once ? exitCodeOf(seen) : null;
  };
  try {
    return await keepLooking({ look, take }, { everyMs, once, signal });
  } finally {
    await running.session?.listening?.stop();
    store.close();
  }
}

type Begun = {
  store: WitnessStore;
  cosigner: Cosigner;
  epochs: EpochSources | null;
  port: number;
  onFault(session: { origin: string; store: WitnessStore }, fault: WitnessRefusal): void;
};

async function begin(flags: WitnessFlags, { store, cosigner, epochs, port, onFault }: Begun): Promise<Session> {
  const url = prefixOf(flags.follow);
  const log = remoteLog(url, { timeoutMs: TIMEOUT_MS });
  const logKeys = await keysFor(log, { given: flags.logKey ?? [], kept: store.keysAt(url) });
  const origin = parseVerifierKey(logKeys[0] as string).name;
  if (flags.again === true) store.forgive(origin);
  const witness = createWitness({
    ...{ log, logKeys, epochs, cosigner, store, now: Date.now, retryMs: RETRY_MS, patienceMs: PATIENCE_MS },
    onFault: (fault) => onFault({ origin, store }, fault),
  });
  const compares = epochs === null ? "consistency only" : "epochs";
  const { verifierKey } = cosigner;
  const listening =
    flags.once === true
      ? null
      : await serve(createWitnessApp(witness, { verifierKey, origin, url, compares, store }), {
          host: process.env.HOST ?? "127.0.0.1",
          port,
        });
  store.keepKeys(url, logKeys);
  const where = listening === null ? "" : `, requests to ${listening.url}/add-checkpoint`;
  process.stdout.write(`${stamp()}  witness ${verifierKey} of ${origin}${where}\n`);
  return { origin, logKeys, log, epochs, store, witness, listening };
}

/** Says what looks come to, each thing once, and writes evidence into a folder. */
function createTeller(folder: string) {
  let last = "";
  let tellings = 0;
  const written = new Set<string>();

  function say(line: string): void {
    if (line === last) return;
    last = line;
    process.stdout.write(`${stamp()}  ${plainText(line)}\n`);
  }

  function keep(origin: string, what: string, evidence: Uint8Array): string {
    const file = join(folder, `${origin}.${what}.json`.replaceAll(/[^A-Za-z0-9.-]+/g, "-"));
    const path = writeEvidence(file, evidence);
    process.stdout.write(`evidence: ${path}\n`);
    return path;
  }

  /** A fault of the log itself. Of what may pass, evidence is written once; what is final is kept with it. */
  function fault({ origin, store }: Pick<Session, "origin" | "store">, seen: WitnessRefusal): void {
    say(`not cosigned: ${seen.sentence}`);
    const finding = seen.sentence.split(":", 1)[0] as string;
    if (seen.evidence === null || written.has(finding)) return;
    written.add(finding);
    const evidence = keep(origin, finding, seen.evidence);
    if (seen.isFinal) store.explain(origin, { sentence: seen.sentence, evidence });
  }

  /** An epoch that differs: what differs in it is found out once, and kept. */
  async function refusal(session: Session): Promise<boolean> {
    const { origin, store, epochs, witness, log, logKeys } = session;
    const refused = store.refused(origin);
    const { seen } = witness.status();
    if (refused === null || refused.details === null || epochs === null || seen === null) return false;
    if (refused.evidence !== null) {
      say(`not cosigned: ${refused.sentence}`);
      return true;
    }
    const told = await tellRefusal(refused, { log, other: epochs.other, own: epochs.own, head: seen, logKeys });
    say(`not cosigned: ${told.sentence}`);
    tellings++;
    if (told.isPartial && tellings < MAX_TELLINGS) return true;
    store.explain(origin, { sentence: told.sentence, evidence: keep(origin, `epoch-${refused.index}`, told.evidence) });
    return true;
  }

  return {
    fault,
    async look(session: Session, seen: WitnessLook): Promise<void> {
      if (seen.type === "agreed") {
        const { head, added, compared } = seen;
        const line = `${head.size} leaves  root ${toHex(head.root).slice(2)}  +${added}  ${compared} epochs agree`;
        say(session.epochs === null ? line.replace(/ {2}\d+ epochs agree$/, "  consistent") : line);
      } else if (seen.type === "waiting") say(`not compared: ${seen.sentence}`);
      else if (!(seen.isFinal && (await refusal(session)))) fault(session, seen);
    },
  };
}

function exitCodeOf({ type }: WitnessLook): number {
  if (type === "agreed") return 0;
  return type === "refused" ? EXIT_REFUSED : EXIT_UNCOMPARED;
}

function epochSources({ follow, own, consistencyOnly, uncompared }: WitnessFlags): EpochSources | null {
  const prefix = prefixOf(follow);
  remoteLog(prefix, { timeoutMs: TIMEOUT_MS });
  if (consistencyOnly === true) {
    if (own !== undefined || uncompared !== undefined) {
      throw new InputError("--consistency-only compares no epochs; --own and --uncompared say how they are compared.");
    }
    return null;
  }
  return {
    other: remoteRecord(new URL("..", `${prefix}/`).href, { timeoutMs: TIMEOUT_MS }),
    own: remoteRecord(own ?? OWN, { timeoutMs: TIMEOUT_MS }),
    isUncompared: parseUncompared(uncompared ?? []),
  };
}

/** Opens what the witness has cosigned, and its key. @throws InputError when the key is there and what it cosigned is not. */
function openFiles({ state, name }: WitnessFlags): { store: WitnessStore; cosigner: Cosigner; folder: string } {
  const folder = join(process.env.PLUMBLINE_DATA || ".plumbline", "witness");
  const file = state ?? join(folder, "witness.sqlite");
  const key = join(folder, WITNESS_KEY);
  // A key whose past is lost could sign a head that contradicts one it has signed.
  if (existsSync(key) && !existsSync(file)) {
    throw new InputError(`What the key ${key} has cosigned is not in ${file}; restore it, or begin with a new key.`);
  }
  const store = openWitnessStore(file);
  try {
    const cosigner = cosignerOf(name, hexToBytes(ensureWitnessSeed(folder)));
    return { store, cosigner, folder: dirname(file) };
  } catch (error) {
    store.close();
    throw error;
  }
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InputError(`--port is "${text}"; expected 0 to 65535.`);
  return Number(text);
}

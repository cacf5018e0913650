import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseGwei } from "viem/utils";
import { type Deployment, parseDeployment } from "../src/core/deployment.ts";
import { InputError } from "../src/core/errors.ts";
import { caip2 } from "../src/core/ids.ts";
import { type Facts, parseFacts } from "../src/core/rules/facts.ts";
import type { Schedule } from "../src/core/rules/schedule.ts";
import { readSchedule } from "../src/files/schedule.ts";
import { checkReceiverUrl } from "./alerts/egress.ts";
import type { Receiver } from "./alerts/sender.ts";
import type { AnchorSettings } from "./anchors/anchors.ts";
import { readAnchorKey } from "./anchors/key.ts";
import { type CosignerSettings, readCosigners } from "./cosigners/settings.ts";

/** Everything the server runs with, checked. */
export type ServerOptions = {
  dataDir: string;
  host: string;
  /** 0 takes a free port. */
  port: number;
  indexerUrl: string;
  /** The chains in the deployment and a node of each. */
  chains: readonly { chain: string; rpcUrl: string }[];
  deployment: Deployment;
  /** The rulebook with its versions: those of the indexer. */
  schedule: Schedule;
  facts: Facts | null;
  receivers: readonly Receiver[];
  allowLoopback: boolean;
  /** Name of this log in its checkpoints. */
  origin: string;
  /** Witnesses that are asked to cosign the log's heads. */
  cosigners: CosignerSettings;
  /** With what heads are published on the anchors of the deployment; null where none are published from here. */
  anchor: AnchorSettings | null;
  /** Where this server is reached from outside, for links in notices. */
  publicUrl: string;
  /** Whether evidence is captured. Without, what is wanted waits for a start with. */
  evidence: boolean;
};

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ORIGIN = "plumbline.local/devnet";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Reads the server's arguments and environment and the files they name. A variable that is empty counts as not set.
 * @throws InputError with one sentence naming the value and what was expected.
 */
export function readOptions(args: readonly string[], given: Environment): ServerOptions {
  const env: Environment = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
  const flags = readFlags(args);
  const port = readPort(env.PORT ?? "4000");
  const allowLoopback = flags["allow-loopback"] ?? false;
  const host = env.HOST ?? "127.0.0.1";
  const origin = readOrigin(env.PLUMBLINE_ORIGIN ?? DEFAULT_ORIGIN);
  const deploymentFile = flags.deployment ?? env.PLUMBLINE_DEPLOYMENT ?? "deployments/devnet.json";
  const deployment = parseDeployment(readText(deploymentFile, "deployment"), deploymentFile);
  return {
    dataDir: env.PLUMBLINE_DATA ?? ".plumbline",
    host,
    port,
    indexerUrl: readUrl(env.PLUMBLINE_INDEXER_URL ?? "http://127.0.0.1:42069", "PLUMBLINE_INDEXER_URL"),
    chains: deployment.chains.map(({ chainId }) => ({ chain: caip2(chainId), rpcUrl: readRpcUrl(chainId, env) })),
    deployment,
    schedule: readSchedule(flags.rulebooks ?? env.PLUMBLINE_RULEBOOKS ?? "rulebooks"),
    facts: readFacts(flags.facts, flags["facts-key"]),
    receivers: readReceivers(flags.webhook, flags["webhook-secret"], allowLoopback),
    allowLoopback,
    origin,
    cosigners: readCosigners(env, origin),
    anchor: readAnchor(env, deployment),
    publicUrl: readUrl(env.PLUMBLINE_PUBLIC_URL ?? `http://localhost:${port}`, "PLUMBLINE_PUBLIC_URL"),
    evidence: readSwitch(env.PLUMBLINE_EVIDENCE ?? "on", "PLUMBLINE_EVIDENCE"),
  };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        deployment: { type: "string" },
        rulebooks: { type: "string" },
        facts: { type: "string" },
        "facts-key": { type: "string" },
        webhook: { type: "string" },
        "webhook-secret": { type: "string" },
        "allow-loopback": { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new InputError(`The server cannot be started like this: ${(error as Error).message}`);
  }
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new InputError(`The ${what} file "${file}" cannot be read.`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InputError(`PORT is "${text}"; expected 0 to 65535.`);
  return port;
}

function readSwitch(text: string, name: string): boolean {
  if (text !== "on" && text !== "off") throw new InputError(`${name} is "${text}"; expected on or off.`);
  return text === "on";
}

/** From which level on the server writes to its log, `info` where `LOG_LEVEL` is not set. @throws InputError for no level. */
export function readLogLevel(env: Environment): LogLevel {
  const text = env.LOG_LEVEL || "info";
  const level = LOG_LEVELS.find((one) => one === text);
  if (level === undefined) throw new InputError(`LOG_LEVEL is "${text}"; expected one of ${LOG_LEVELS.join(", ")}.`);
  return level;
}

/** An hour: what is anchored is also what cannot be changed unnoticed since, at a price for each head. */
const ANCHOR_EVERY_SECONDS = "3600";
/** With what a head uses, some 75,000 gas, less than a hundredth of an ether. */
const ANCHOR_MAX_FEE_GWEI = "100";

function readAnchor(env: Environment, { chains }: Deployment): AnchorSettings | null {
  const { PLUMBLINE_ANCHOR_KEY_FILE: file, PLUMBLINE_ANCHOR_EVERY_SECONDS: every = ANCHOR_EVERY_SECONDS } = env;
  const { PLUMBLINE_ANCHOR_MAX_FEE_GWEI: fee = ANCHOR_MAX_FEE_GWEI } = env;
  if (!/^[1-9]\d{0,6}$/.test(every)) {
    throw new InputError(`PLUMBLINE_ANCHOR_EVERY_SECONDS is "${every}"; expected seconds from 1 to 9999999.`);
  }
  if (!/^[1-9]\d{0,6}$/.test(fee)) {
    throw new InputError(`PLUMBLINE_ANCHOR_MAX_FEE_GWEI is "${fee}"; expected whole gwei from 1 to 9999999.`);
  }
  if (file === undefined) return null;
  if (chains.every(({ anchor }) => anchor === undefined)) {
    throw new InputError("PLUMBLINE_ANCHOR_KEY_FILE is set, but the deployment has no anchor.");
  }
  return { account: readAnchorKey(file), everyMs: Number(every) * 1_000, feeMax: parseGwei(fee) };
}

function readUrl(text: string, name: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InputError(`${name} is "${text}"; expected a URL like http://127.0.0.1:8545.`);
  }
  return text;
}

function readRpcUrl(chainId: number, env: Environment): string {
  const name = `PONDER_RPC_URL_${chainId}`;
  const text = env[name];
  if (text === undefined || text === "") throw new InputError(`${name} is not set; expected the URL of a node.`);
  if (text.includes(",")) throw new InputError(`${name} names more than one node; expected exactly one URL.`);
  return readUrl(text, name);
}

function readFacts(file: string | undefined, key: string | undefined): Facts | null {
  if (file === undefined && key === undefined) return null;
  if (file === undefined || key === undefined) {
    throw new InputError("--facts FILE and --facts-key KEY go together; only one of them was given.");
  }
  return parseFacts(readText(file, "facts"), key);
}

function readReceivers(url: string | undefined, secret: string | undefined, loopback: boolean): Receiver[] {
  if (url === undefined && secret === undefined) return [];
  if (url === undefined || secret === undefined) {
    throw new InputError("--webhook URL and --webhook-secret S go together; only one of them was given.");
  }
  checkReceiverUrl(url, { loopback });
  return [{ url, secret }];
}

/** An origin goes on a checkpoint's first line and into its key name. */
function readOrigin(text: string): string {
  if (!/^[!-*,-~]{1,200}$/.test(text)) {
    throw new InputError(
      `PLUMBLINE_ORIGIN is "${text}"; expected a name like plumbline.example/log, without spaces or +.`,
    );
  }
  return text;
}

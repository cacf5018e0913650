import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, readLogLevel, readOptions, type ServerOptions } from "../../server/options.ts";
import { sourcesOf } from "../../src/adapters/catalogue.ts";
import { deploymentHash, parseDeployment } from "../../src/core/deployment.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import type { Schedule } from "../../src/core/rules/schedule.ts";
import { isAbandoned, requireUnlocked } from "./lock.ts";
import { checkNode } from "./nodes.ts";
import { requireFreePort } from "./ports.ts";
import { planVersions, versionsFile } from "./rulebook-versions.ts";
import { schemaName } from "./schema-name.ts";

export const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The deployment that is run when none is named. Its chains are started with it, unless nodes are given. */
const DEVNET_FILE = join(PROJECT_DIR, "deployments/devnet.json");
const DEVNET_FIRST_PORT = 8000;

/** Flags of `plumbline start`. */
export type StartFlags = {
  deployment?: string;
  facts?: string;
  factsKey?: string;
  rulebooks?: string;
  webhook?: string;
  webhookSecret?: string;
  allowLoopback?: boolean;
  verbose?: boolean;
};

/** What is to be started, checked: nothing in it can be wrong without something outside having changed since. */
export type Plan = {
  dataDir: string;
  deployment: Deployment;
  deploymentFile: string;
  rulebooksDir: string;
  /** The rulebook with its versions, and the file they are kept in. */
  schedule: Schedule;
  versionsFile: string;
  /** A loopback port for each chain of the devnet, or null when the nodes are somebody else's. */
  devnetPorts: ReadonlyMap<number, number> | null;
  nodeUrls: ReadonlyMap<number, string>;
  schema: string;
  /** Whether the schema's name was given and does not follow from what the tables depend on. */
  isSchemaGiven: boolean;
  databaseUrl: string | null;
  port: number;
  indexerPort: number;
  /** Arguments of the server's main program. */
  serverArgs: readonly string[];
  server: ServerOptions;
  /** Settings of the server by which heads are published on anchors; none where they are not. */
  anchorSettings: Readonly<Record<string, string>>;
  verbose: boolean;
};

/**
 * Reads flags, environment and the files they name, and checks nodes, database and ports. Starts and writes nothing.
 * @throws InputError with one sentence that names the value and what was expected.
 */
export async function makePlan(flags: StartFlags, { env, cwd }: { env: Environment; cwd: string }): Promise<Plan> {
  const dataDir = resolve(cwd, env.PLUMBLINE_DATA || ".plumbline");
  const deploymentFile = flags.deployment === undefined ? DEVNET_FILE : resolve(cwd, flags.deployment);
  const rulebooksDir = flags.rulebooks === undefined ? join(PROJECT_DIR, "rulebooks") : resolve(cwd, flags.rulebooks);
  const deployment = readDeployment(deploymentFile);
  const devnetPorts = planDevnet(deployment, { isDefault: flags.deployment === undefined, env });
  const nodeUrls = planNodes(deployment, { devnetPorts, env });
  const port = readPort(env, "PORT", 4000);
  const indexerPort = readPort(env, "PLUMBLINE_INDEXER_PORT", port + 1);
  const serverArgs = [
    ...["--deployment", deploymentFile],
    ...factsArgs(flags, { isDevnet: flags.deployment === undefined, cwd }),
    ...(flags.webhook === undefined ? [] : ["--webhook", flags.webhook]),
    ...(flags.webhookSecret === undefined ? [] : ["--webhook-secret", flags.webhookSecret]),
    ...(flags.allowLoopback ? ["--allow-loopback"] : []),
  ];
  const rpcVariables = Object.fromEntries([...nodeUrls].map(([id, url]) => [`PONDER_RPC_URL_${id}`, url]));
  const givenAnchor = givenAnchorSettings(env, cwd);
  const serverEnv = { ...env, ...rpcVariables, ...givenAnchor, PORT: String(port) };
  const server = readOptions([...serverArgs, "--rulebooks", rulebooksDir], serverEnv);
  readLogLevel(env);
  const schedule = planVersions({ dataDir, rulebooksDir, deployment });
  const given = readSchema(env);
  const plan: Plan = {
    ...{ dataDir, deployment, deploymentFile, rulebooksDir, schedule, devnetPorts, nodeUrls },
    ...{ port, indexerPort, serverArgs, server },
    // The devnet writes its key when it starts, so that it cannot be read yet.
    anchorSettings: devnetPorts === null ? givenAnchor : { ...devnetAnchorSettings(dataDir), ...givenAnchor },
    versionsFile: versionsFile(dataDir),
    schema: given ?? schemaOf(deployment, schedule),
    isSchemaGiven: given !== null,
    databaseUrl: readDatabaseUrl(env),
    verbose: flags.verbose ?? false,
  };
  await checkSurroundings(plan);
  return plan;
}

/** The plan with these versions of the rulebook. */
export function withSchedule(plan: Plan, schedule: Schedule): Plan {
  return { ...plan, schedule, schema: plan.isSchemaGiven ? plan.schema : schemaOf(plan.deployment, schedule) };
}

function schemaOf(deployment: Deployment, schedule: Schedule): string {
  return schemaName(PROJECT_DIR, [deploymentHash(deployment), schedule.hash]);
}

async function checkSurroundings(plan: Plan): Promise<void> {
  requireSqlite();
  requireUnlocked(plan.dataDir);
  // What a killed run has left on the ports is ended once the lock is ours; then they are checked again.
  if (!isAbandoned(plan.dataDir)) await requireFreePorts(plan);
  if (plan.databaseUrl !== null) await requireDatabase(plan.databaseUrl);
  if (plan.devnetPorts === null) {
    for (const chain of plan.deployment.chains) await checkNode(chain, plan.nodeUrls.get(chain.chainId) as string);
  }
}

/**
 * Checks that every port of a plan is free.
 * @throws InputError naming the port and the setting that moves it.
 */
export async function requireFreePorts(plan: Plan): Promise<void> {
  await requireFreePort(plan.port, "PORT");
  await requireFreePort(plan.indexerPort, "PLUMBLINE_INDEXER_PORT");
  for (const [chainId, port] of plan.devnetPorts ?? []) await requireFreePort(port, devnetPortVariable(chainId));
}

function readDeployment(file: string): Deployment {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new InputError(`The deployment file ${file} cannot be read.`);
  }
  const deployment = parseDeployment(text, file);
  // Also refuses protocols the catalogue lacks, and addresses an adapter misses.
  sourcesOf(deployment);
  return deployment;
}

function planDevnet(
  deployment: Deployment,
  { isDefault, env }: { isDefault: boolean; env: Environment },
): Map<number, number> | null {
  if (!isDefault) return null;
  const given = deployment.chains.filter(({ chainId }) => env[rpcVariable(chainId)]);
  if (given.length === deployment.chains.length) return null;
  const [first] = given;
  if (first) {
    const names = deployment.chains.map(({ chainId }) => rpcVariable(chainId)).join(" and ");
    throw new InputError(`${rpcVariable(first.chainId)} is set alone; expected ${names}, or none of them.`);
  }
  return new Map(
    deployment.chains.map(({ chainId }) => [
      chainId,
      readPort(env, devnetPortVariable(chainId), DEVNET_FIRST_PORT + chainId),
    ]),
  );
}

function planNodes(
  deployment: Deployment,
  { devnetPorts, env }: { devnetPorts: ReadonlyMap<number, number> | null; env: Environment },
): Map<number, string> {
  return new Map(
    deployment.chains.map(({ chainId }) => {
      const port = devnetPorts?.get(chainId);
      return [chainId, port === undefined ? readNodeUrl(env, chainId) : `http://127.0.0.1:${port}`];
    }),
  );
}

function readNodeUrl(env: Environment, chainId: number): string {
  const name = rpcVariable(chainId);
  const text = env[name];
  if (!text) throw new InputError(`${name} is not set; expected the URL of a node of chain ${chainId}.`);
  if (text.includes(",")) {
    throw new InputError(`${name} names several nodes; expected one, because nothing compares their answers yet.`);
  }
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InputError(`${name} is "${text}"; expected a URL like https://node.example.`);
  }
  return text;
}

/** The devnet brings facts about half its traders, so that there are breaches to see. */
function factsArgs(flags: StartFlags, { isDevnet, cwd }: { isDevnet: boolean; cwd: string }): string[] {
  const { facts, factsKey } = flags;
  if (facts === undefined && factsKey === undefined) {
    if (!isDevnet) return [];
    const key = readFileSync(join(PROJECT_DIR, "devnet/facts.pub"), "utf8").trim();
    return ["--facts", join(PROJECT_DIR, "devnet/facts.json"), "--facts-key", key];
  }
  return [
    ...(facts === undefined ? [] : ["--facts", resolve(cwd, facts)]),
    ...(factsKey === undefined ? [] : ["--facts-key", factsKey]),
  ];
}

/** What is set, the file by its whole path: the server has another working directory. */
function givenAnchorSettings(env: Environment, cwd: string): Record<string, string> {
  const { PLUMBLINE_ANCHOR_KEY_FILE: file, PLUMBLINE_ANCHOR_EVERY_SECONDS: every } = env;
  const { PLUMBLINE_ANCHOR_MAX_FEE_GWEI: fee } = env;
  return {
    ...(file ? { PLUMBLINE_ANCHOR_KEY_FILE: resolve(cwd, file) } : {}),
    ...(every ? { PLUMBLINE_ANCHOR_EVERY_SECONDS: every } : {}),
    ...(fee ? { PLUMBLINE_ANCHOR_MAX_FEE_GWEI: fee } : {}),
  };
}

/** On the devnet heads cost nothing, and a minute lets one watch. */
function devnetAnchorSettings(dataDir: string): Record<string, string> {
  return {
    PLUMBLINE_ANCHOR_KEY_FILE: join(dataDir, "devnet-anchor.key"),
    PLUMBLINE_ANCHOR_EVERY_SECONDS: "60",
  };
}

function readPort(env: Environment, name: string, byDefault: number): number {
  const text = env[name] || String(byDefault);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new InputError(`${name} is "${text}"; expected a port from 1 to 65535.`);
  }
  return port;
}

function readSchema(env: Environment): string | null {
  const name = env.DATABASE_SCHEMA;
  if (!name) return null;
  if (/^[a-z_][a-z0-9_]{0,44}$/.test(name)) return name;
  throw new InputError(`DATABASE_SCHEMA is "${name}"; expected at most 45 lower-case letters, digits and underscores.`);
}

function readDatabaseUrl(env: Environment): string | null {
  const text = env.DATABASE_URL;
  if (!text) return null;
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return text;
  throw new InputError(
    "DATABASE_URL is not a PostgreSQL URL; expected one like postgres://user:password@host:5432/name.",
  );
}

/** Whether something listens where the database should be; who it is, the indexer finds out. @throws InputError */
async function requireDatabase(databaseUrl: string): Promise<void> {
  const { hostname, port } = new URL(databaseUrl);
  if (hostname === "") return;
  await new Promise<void>((resolvePromise, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port || 5432), timeout: 5_000 });
    const refuse = () => {
      socket.destroy();
      const place = `${hostname}:${port || 5432}`;
      reject(new InputError(`No database answers at ${place}, where DATABASE_URL points; expected PostgreSQL there.`));
    };
    socket.once("connect", () => {
      socket.destroy();
      resolvePromise();
    });
    socket.once("error", refuse);
    socket.once("timeout", refuse);
  });
}

/** @throws InputError when the native part of better-sqlite3 is missing, as after an install without its script. */
function requireSqlite(): void {
  try {
    const Database = createRequire(import.meta.url)("better-sqlite3") as new (path: string) => { close(): void };
    new Database(":memory:").close();
  } catch {
    throw new InputError(
      "better-sqlite3 has no binary for this Node: install python3, make and g++, then run `npm rebuild better-sqlite3`.",
    );
  }
}

function rpcVariable(chainId: number): string {
  return `PONDER_RPC_URL_${chainId}`;
}

function devnetPortVariable(chainId: number): string {
  return `PLUMBLINE_DEVNET_PORT_${chainId}`;
}

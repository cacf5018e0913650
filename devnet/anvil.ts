import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, ProviderError } from "../src/core/errors.ts";
import { GENESIS_SECONDS } from "./clock.ts";
import { checkPort } from "./gate.ts";

/** A running anvil. `stop` resolves once the process is gone; `died` when it goes without having been stopped. */
export type Anvil = {
  chainId: number;
  port: number;
  url: string;
  pid: number;
  died: Promise<void>;
  stop(): Promise<void>;
};

export type AnvilOptions = {
  chainId: number;
  /** 0 or absent: any free port. */
  port?: number;
  /** Unlocked accounts of the well-known test mnemonic. */
  accounts?: number;
  genesisSeconds?: bigint;
  /** How many of the last blocks' states stay readable by eth_call and eth_getProof. */
  keepStates?: number;
  extra?: readonly string[];
};

/** The test mnemonic every local chain uses. */
export const MNEMONIC = "test test test test test test test test test test test junk";
/** A state is a copy of all storage, about two megabytes on the devnet: more of them do not fit a small machine. */
const KEPT_STATES = 2000;
const READY_WITHIN_MS = 15_000;

/**
 * Starts one chain that mines only on demand. Every block is deterministic: fixed accounts, genesis time, hardfork, order
 * and price of transactions.
 *
 * The platform's binary is started itself: the package's launcher would leave it running when killed.
 * @throws InputError when the port is taken, ProviderError when anvil does not answer.
 */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  const port = options.port || (await freePort());
  await checkPort(port, options.chainId);
  const child = spawn(binary(), flags(options, port), { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const killWithUs = () => child.kill("SIGKILL");
  process.once("exit", killWithUs);
  child.once("exit", () => process.removeListener("exit", killWithUs));
  child.once("error", (error) => {
    complaint += error.message;
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(url, child, () => complaint);
  } catch (error) {
    await stopChild(child);
    throw error;
  }
  let stopping = false;
  const died = new Promise<void>((resolve) => {
    child.once("exit", () => {
      if (!stopping) resolve();
    });
  });
  const stop = () => {
    stopping = true;
    return stopChild(child);
  };
  return { chainId: options.chainId, port, url, pid: child.pid as number, died, stop };
}

function flags(options: AnvilOptions, port: number): string[] {
  return [
    ...["--port", String(port), "--chain-id", String(options.chainId), "--silent"],
    ...["--mnemonic", MNEMONIC, "--accounts", String(options.accounts ?? 64)],
    ...["--slots-in-an-epoch", "16", "--no-mining", "--order", "fifo", "--hardfork", "prague"],
    ...["--timestamp", String(options.genesisSeconds ?? GENESIS_SECONDS)],
    ...["--gas-limit", "1000000000", "--code-size-limit", "100000"],
    ...["--block-base-fee-per-gas", "0", "--gas-price", "0", "--disable-min-priority-fee"],
    ...["--prune-history", String(options.keepStates ?? KEPT_STATES)],
    ...(options.extra ?? []),
  ];
}

/** Path of the anvil binary npm installed for this platform. @throws InputError when there is none. */
function binary(): string {
  const name = `@foundry-rs/anvil-${process.platform === "win32" ? "win32" : process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return join(folder, "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
  } catch {
    throw new InputError(`${name} is not installed: npm offers no anvil for ${process.platform}/${process.arch}.`);
  }
}

async function answers(url: string, child: ChildProcess, complaint: () => string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const ok = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })
      .then((r) => r.ok)
      .catch(() => false);
    if (ok) return;
    await sleep(20);
  }
  throw new ProviderError(`anvil did not answer at ${url} within ${READY_WITHIN_MS} ms. ${complaint()}`.trim());
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await gone;
}

/** Below the ports that systems give to outgoing connections, which would take one between its choice and its use. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
/** Processes of neighbouring ids, which run side by side, begin this far apart. */
const PORTS_A_PROCESS = 101;
let portsTried = 0;

/** A port nobody listens on just now, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = FIRST_PORT + ((process.pid * PORTS_A_PROCESS + portsTried++) % PORTS);
    if (await isFree(port)) return port;
  }
  throw new ProviderError(`Every port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is in use.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

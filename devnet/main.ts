/**
 * `npm run devnet`: two local chains with the protocols' real bytecode and a market that moves. Prints one RPC URL a line
 * once the history is there, then goes on living.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { Command, InvalidArgumentError, Option } from "commander";
import { InputError, ProviderError } from "../src/core/errors.ts";
import type { Deployment } from "../src/core/margin-model.ts";
import { CHAINS } from "./chains.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { runLive } from "./live.ts";
import { DEFAULT_SCENARIO } from "./market/scenario.ts";
import { VARIANTS, type VariantName } from "./market/variants.ts";

const DEPLOYMENT = new URL("../deployments/devnet.json", import.meta.url);

type Options = {
  seed: number;
  variant: VariantName;
  data: string;
  history: number;
  blocks: number;
  blockTime: number;
  writeDeployment: boolean;
};

function say(line: string): void {
  process.stderr.write(`devnet: ${line}\n`);
}

function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`"${text}" is not a whole number of at least ${least}.`);
    }
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.05) throw new InvalidArgumentError(`"${text}" is not 0.05 s or more.`);
  return value;
}

/** The public ports, from the environment. @throws InputError for a value that is no port. */
function ports(): Record<number, number> {
  return Object.fromEntries(
    CHAINS.map((chainId, i) => {
      const name = `PLUMBLINE_DEVNET_PORT_${chainId}`;
      const text = process.env[name] || String(8901 + i);
      const port = Number(text);
      if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
        throw new InputError(`${name} is "${text}"; expected a port from 1 to 65535.`);
      }
      return [chainId, port];
    }),
  );
}

/** What was deployed must be what the file says, because the indexer goes by the file. */
function checkDeployment(deployed: Deployment, write: boolean): void {
  if (write) {
    writeFileSync(DEPLOYMENT, `${JSON.stringify(deployed, null, 2)}\n`);
    say("deployments/devnet.json is written.");
    return;
  }
  const listed: unknown = JSON.parse(readFileSync(DEPLOYMENT, "utf8"));
  if (!isDeepStrictEqual(listed, JSON.parse(JSON.stringify(deployed)))) {
    throw new InputError(
      "What was deployed is not what deployments/devnet.json lists; write it again with npm run devnet -- --write-deployment.",
    );
  }
}

async function main(options: Options): Promise<void> {
  const stopping = new AbortController();
  let devnet: Devnet | null = null;
  let asked = false;
  const stop = () => {
    asked = true;
    stopping.abort();
    // While history is being laid there is nothing to wait for; the nodes are ended when this process exits.
    if (devnet === null) process.exit(0);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const { seed, variant, data, history } = options;
  devnet = await startDevnet({ seed, variant, data, historyBlocks: history, ports: ports(), onProgress: say });
  try {
    checkDeployment(devnet.deployment, options.writeDeployment);
    if (options.writeDeployment) return;
    process.stdout.write(devnet.urls.map((url) => `${url}\n`).join(""));
    await runLive(devnet, {
      liveBlocks: options.blocks,
      historyBlocks: history,
      blockMillis: options.blockTime * 1000,
      signal: stopping.signal,
      say,
    });
  } finally {
    await devnet.stop();
    if (asked) say("stopped.");
  }
}

const command = new Command("devnet")
  .description("Two local chains with the protocols' real bytecode and a market that moves.")
  .option("--seed <number>", "what chance is drawn from", integer(0), DEFAULT_SCENARIO.seed)
  .addOption(new Option("--variant <name>", "what happens").choices(Object.keys(VARIANTS)).default("crash"))
  .option("--data <folder>", "where the state is kept", process.env.PLUMBLINE_DATA || ".plumbline")
  .addOption(
    new Option("--history <blocks>", "market blocks laid down at once")
      .argParser(integer(40))
      .default(DEFAULT_SCENARIO.historyBlocks)
      .env("PLUMBLINE_DEVNET_HISTORY"),
  )
  .option("--blocks <blocks>", "live blocks after which mining stops", integer(0), 5000)
  .option("--block-time <seconds>", "wall-clock time between live blocks", seconds, 1.5)
  .option("--write-deployment", "write deployments/devnet.json and end", false)
  .action(main);

try {
  await command.parseAsync();
  process.exit(0);
} catch (error) {
  if (!(error instanceof InputError) && !(error instanceof ProviderError)) throw error;
  say(error.message);
  process.exit(error instanceof InputError ? 2 : 1);
}

import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../src/core/errors.ts";
import { type Devnet, type DevnetChain, isToBeSaved } from "./devnet.ts";

export type LiveOptions = {
  /** Market blocks of a chain beyond its history at which it stops mining. */
  liveBlocks: number;
  historyBlocks: number;
  /** Milliseconds of wall-clock time from block to block. */
  blockMillis: number;
  signal: AbortSignal;
  say: (line: string) => void;
};

/** Blocks in a row that may fail, as when somebody reorganises the chain under us, before a chain counts as broken. */
const FAILURES_IN_A_ROW = 20;

/**
 * Mines every chain at its pace until the limit or the signal.
 * @throws ProviderError when a node has gone or keeps refusing.
 */
export async function runLive(devnet: Devnet, options: LiveOptions): Promise<void> {
  const ended = devnet.chains.map((chain) =>
    chain.died.then(() => {
      throw new ProviderError(`The node of eip155:${chain.chainId} ended by itself.`);
    }),
  );
  await Promise.race([...ended, Promise.all(devnet.chains.map((chain) => mine(devnet, chain, options)))]);
  if (options.signal.aborted) return;
  options.say("Mining has stopped; the nodes go on answering until this process ends.");
  await Promise.race([...ended, new Promise((resolve) => options.signal.addEventListener("abort", resolve))]);
}

async function mine(devnet: Devnet, chain: DevnetChain, options: LiveOptions): Promise<void> {
  const last = options.historyBlocks + options.liveBlocks;
  const name = `eip155:${chain.chainId}`;
  let failures = 0;
  let due = Date.now();
  while (!options.signal.aborted && (await chain.count()) < last) {
    due = Math.max(due + options.blockMillis, Date.now());
    await sleep(due - Date.now(), undefined, { signal: options.signal }).catch(() => {});
    if (options.signal.aborted) return;
    try {
      await chain.step();
      failures = 0;
      if (isToBeSaved(chain)) devnet.save();
    } catch (error) {
      if (!(error instanceof ProviderError) || ++failures >= FAILURES_IN_A_ROW) throw error;
      options.say(`${name}: a block failed and is tried again: ${error.message}`);
    }
  }
  if (!options.signal.aborted) options.say(`${name}: ${options.liveBlocks} live blocks are mined, no more will come.`);
}

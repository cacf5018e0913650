import { setTimeout as sleep } from "node:timers/promises";
import type { Devnet } from "../../devnet/devnet.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { caip2 } from "../../src/core/ids.ts";
import { type Indexer, type IndexerOptions, startIndexer } from "./indexer.ts";

const AGREED_WITHIN_MS = 300_000;

/** Node URLs of a devnet's chains, by chain id. */
export function rpcUrlsOf(devnet: Devnet): Record<number, string> {
  return Object.fromEntries(devnet.chains.map(({ chainId, url }) => [chainId, url]));
}

/** Resolves once an indexer has every block its devnet has mined. @returns the heads by CAIP-2 chain. */
export async function untilHeads(devnet: Devnet, indexer: Indexer): Promise<Record<string, number>> {
  const heads: Record<string, number> = {};
  for (const { chainId, kit } of devnet.chains) {
    const head = await kit.blockNumber();
    await indexer.untilBlock(caip2(chainId), head);
    heads[caip2(chainId)] = Number(head);
  }
  return heads;
}

/** Starts an indexer on a devnet and waits until it has every block. */
export async function indexAll(
  devnet: Devnet,
  options: Omit<IndexerOptions, "rpcUrls" | "deployment">,
): Promise<Indexer> {
  const indexer = await startIndexer({ ...options, deployment: devnet.deployment, rpcUrls: rpcUrlsOf(devnet) });
  await untilHeads(devnet, indexer);
  return indexer;
}

/** Resolves once an indexer and the nodes agree on the hash of every head. @throws ProviderError when they never do. */
export async function untilSameHeads(devnet: Devnet, indexer: Indexer): Promise<void> {
  for (const { chainId, kit } of devnet.chains) {
    const until = performance.now() + AGREED_WITHIN_MS;
    for (;;) {
      const { number, hash } = await kit.client.getBlock();
      const said = await fetch(`${indexer.url}/feed/block?chain=${caip2(chainId)}&number=${number}`)
        .then((response) => (response.ok ? (response.json() as Promise<{ hash: string }>) : null))
        .catch(() => null);
      if (said?.hash === hash) break;
      if (performance.now() > until) throw new ProviderError(`${caip2(chainId)}: ${hash} was never indexed.`);
      await sleep(100);
    }
  }
}

/** Waits until `check` holds. @throws ProviderError when it does not in time, five minutes on a busy machine unless told otherwise. */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string,
  withinMs = AGREED_WITHIN_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > end) throw new ProviderError(`Waited in vain for ${what}.`);
    await sleep(50);
  }
}

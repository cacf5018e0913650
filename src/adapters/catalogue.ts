/**
 * The one list of what Plumbline reads. Ponder's contracts and handlers, the indexer's models and the view calls they
 * may ask for are all derived from it; adding a protocol is one folder and one line here.
 */
import type { Adapter, ContractSource } from "../core/adapter.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import type { ChainDeployment, Deployment } from "../core/margin-model.ts";
import { chainlink } from "./chainlink/index.ts";
import { perpV2 } from "./perp-v2/index.ts";
import { plumblineAnchor } from "./plumbline-anchor/index.ts";
import { synthetixPerpsV2 } from "./synthetix-perps-v2/index.ts";

/** Every adapter, price feeds first and our own anchors last. */
export const ADAPTERS: readonly Adapter[] = [chainlink, perpV2, synthetixPerpsV2, plumblineAnchor];

/** What is listened to on one chain. A source's name may occur on several chains and is then the same kind of contract. */
export type ChainSources = { chain: ChainDeployment; sources: readonly ContractSource[] };

/**
 * The adapter of a protocol.
 * @throws InputError when there is none.
 */
export function adapterOf(protocol: string): Adapter {
  const adapter = ADAPTERS.find((a) => a.protocol === protocol);
  if (adapter) return adapter;
  const names = ADAPTERS.map((a) => a.protocol).join(", ");
  throw new InputError(`"${protocol}" is not a protocol of the catalogue; expected one of ${names}.`);
}

/** The adapter that listens to a source on a chain. @throws InvariantError when none does. */
export function adapterOfSource(name: string, chain: ChainDeployment): Adapter {
  const adapter = ADAPTERS.find((a) => a.sources(chain).some((source) => source.name === name));
  if (adapter) return adapter;
  throw new InvariantError(`No adapter listens to ${name} on chain ${chain.chainId}.`);
}

/**
 * All contracts of a deployment, chain by chain.
 * @throws InputError when the deployment names a protocol the catalogue lacks, or lacks an address an adapter needs.
 * @throws InvariantError when two adapters use one source name, or a source handles an event its abi does not hold once.
 */
export function sourcesOf(deployment: Deployment): readonly ChainSources[] {
  const owners = new Map<string, Adapter>();
  return deployment.chains.map((chain) => {
    for (const { protocol } of chain.protocols) adapterOf(protocol);
    const sources = ADAPTERS.flatMap((adapter) => adapter.sources(chain).map((source) => ({ adapter, source })));
    const names = new Set<string>();
    for (const { adapter, source } of sources) {
      const owner = owners.get(source.name) ?? adapter;
      if (owner !== adapter || names.has(source.name)) {
        throw new InvariantError(
          `Source name ${source.name} of ${adapter.protocol} is taken on chain ${chain.chainId}.`,
        );
      }
      owners.set(source.name, adapter);
      names.add(source.name);
      checkEvents(source);
    }
    return { chain, sources: sources.map((s) => s.source) };
  });
}

/** Handlers are registered by event name, so a name must stand for one event. */
function checkEvents(source: ContractSource): void {
  for (const name of source.events) {
    const count = source.abi.filter((item) => item.type === "event" && item.name === name).length;
    if (count !== 1)
      throw new InvariantError(`The abi of ${source.name} holds event ${name} ${count} times, not once.`);
  }
}

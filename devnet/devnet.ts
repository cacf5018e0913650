import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { InputError, ProviderError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import type { AnchorDeployment, ChainDeployment, Deployment } from "../src/core/margin-model.ts";
import { type Anchoring, deployAnchoring, writePublisherKey } from "./anchoring.ts";
import { type Anvil, startAnvil } from "./anvil.ts";
import { CHAINS, deployVenue, type Venue } from "./chains.ts";
import { checkPort, type Gate, openGate } from "./gate.ts";
import { createKit, type Kit } from "./kit.ts";
import { PERP_CHAIN } from "./market/cast.ts";
import { DEFAULT_SCENARIO, marketClock, type Scenario } from "./market/scenario.ts";
import type { Market } from "./market/trading.ts";
import type { VariantName } from "./market/variants.ts";
import { type ChainState, type DevnetState, type GateGround, readState, writeState } from "./state-file.ts";

export type DevnetOptions = {
  seed?: number;
  /** Market blocks laid down at once, after the deployment's. */
  historyBlocks?: number;
  /** The plot; the crash unless told otherwise. */
  variant?: VariantName;
  /** Which of the two chains; both unless told otherwise. */
  chains?: readonly number[];
  /** Public port by chain id; without one the chain is on any free port. */
  ports?: Readonly<Record<number, number>>;
  /** Folder of the state file, from which a later run goes on; `null` keeps nothing. */
  data?: string | null;
  /** One sentence of progress at a time. */
  onProgress?: (line: string) => void;
};

/** One running chain. */
export type DevnetChain = {
  chainId: number;
  url: string;
  kit: Kit;
  venue: Venue;
  /** Last block of the deployment. */
  deploymentBlocks: bigint;
  /** Market blocks on the chain. */
  count(): Promise<number>;
  /** Lays the next market block. */
  step(): Promise<void>;
  state(): ChainState;
  /** Resolves when the node ends without having been stopped. */
  died: Promise<void>;
};

export type Devnet = {
  urls: readonly string[];
  deployment: Deployment;
  chains: readonly DevnetChain[];
  /** The anchor of the log and a gate that follows it, on the chain of Perp v2; null where that does not run. */
  anchoring: Anchoring | null;
  /** Lays the next block on every chain. */
  step(): Promise<void>;
  /** Remembers how far every chain has come. */
  save(): void;
  stop(): Promise<void>;
};

const SAVE_EVERY_BLOCKS = 5;

/**
 * Starts the devnet: nodes, protocols, history, and what a former run in `data` had laid down beyond it. All of it is a
 * function of the seed and the block numbers.
 * @throws InputError when a port is taken, the folder holds another devnet, or the same blocks did not come out again.
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const scenario: Scenario = {
    seed: options.seed ?? DEFAULT_SCENARIO.seed,
    historyBlocks: options.historyBlocks ?? DEFAULT_SCENARIO.historyBlocks,
    ...(options.variant === undefined ? {} : { variant: options.variant }),
  };
  const data = options.data ?? null;
  const say = options.onProgress ?? (() => {});
  const former = data === null ? null : readState(data);
  if (former) takeOver(former, scenario, data as string);
  await Promise.all(Object.entries(options.ports ?? {}).map(([chainId, port]) => checkPort(port, Number(chainId))));
  const nodes: Anvil[] = [];
  const gates: Gate[] = [];
  const stop = async () => {
    await Promise.all(gates.map((gate) => gate.close()));
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const chainId of options.chains ?? CHAINS) nodes.push(await startAnvil({ chainId }));
    const pids = nodes.map((node) => node.pid);
    if (data !== null) {
      const before = { gate: former?.gate ?? null, chains: former?.chains ?? {} };
      writeState(data, { ...base(scenario), ...before, owner: process.pid, pids });
    }
    const sites = await Promise.all(nodes.map(deployOn));
    const anchored = await anchorOn(sites, former?.gate ?? null);
    if (data !== null && anchored.anchoring !== null) writePublisherKey(data);
    const chains = await Promise.all(
      sites.map((site) => layDown(site, { scenario, former: former?.chains[site.node.chainId] ?? null, say })),
    );
    const urls: string[] = [];
    for (const chain of chains) {
      const port = options.ports?.[chain.chainId];
      if (port === undefined) urls.push(chain.url);
      else {
        const gate = await openGate({ port, chainId: chain.chainId, targetPort: Number(new URL(chain.url).port) });
        gates.push(gate);
        urls.push(gate.url);
      }
    }
    return run({ chains, urls, ...anchored, scenario, data, stop, pids });
  } catch (error) {
    await stop();
    throw error;
  }
}

function run(given: {
  chains: readonly DevnetChain[];
  urls: readonly string[];
  deployment: Deployment;
  anchoring: Anchoring | null;
  scenario: Scenario;
  data: string | null;
  pids: number[];
  stop(): Promise<void>;
}): Devnet {
  const { chains, urls, deployment, anchoring, scenario, data, pids } = given;
  const save = (running = true) => {
    if (data === null) return;
    const states = Object.fromEntries(chains.map((chain) => [String(chain.chainId), chain.state()]));
    const mine = running ? { owner: process.pid, pids } : { owner: null, pids: [] };
    writeState(data, { ...base(scenario), gate: anchoring?.ground ?? null, chains: states, ...mine });
  };
  save();
  return {
    ...{ urls, chains, deployment, anchoring },
    async step() {
      await Promise.all(chains.map((chain) => chain.step()));
      if (chains.some(isToBeSaved)) save();
    },
    save: () => save(),
    async stop() {
      save(false);
      await given.stop();
    },
  };
}

/** Whether a chain's last block is one after which its state should be saved: every fifth, and each that holds what the seed does not give. */
export function isToBeSaved(chain: DevnetChain): boolean {
  const { height, strangers } = chain.state();
  return height % SAVE_EVERY_BLOCKS === 0 || strangers.at(-1)?.height === height;
}

/** A chain with its protocol on it. */
type Site = { node: Anvil; kit: Kit; venue: Venue };

async function deployOn(node: Anvil): Promise<Site> {
  const kit = await createKit({ chainId: node.chainId, url: node.url });
  return { node, kit, venue: await deployVenue(kit) };
}

/** Deploys anchor and gate once all else is deployed, because the gate names the whole deployment. */
async function anchorOn(
  sites: readonly Site[],
  former: GateGround | null,
): Promise<{ deployment: Deployment; anchoring: Anchoring | null }> {
  const deploymentOf = (anchored: (chain: ChainDeployment) => ChainDeployment): Deployment => {
    return { version: 1, name: "devnet", chains: sites.map(({ venue }) => anchored(venue.deployment)) };
  };
  const site = sites.find(({ kit }) => kit.chainId === PERP_CHAIN);
  if (site === undefined) return { deployment: deploymentOf((chain) => chain), anchoring: null };
  const withAnchor = (anchor: AnchorDeployment) =>
    deploymentOf((chain) => (chain.chainId === PERP_CHAIN ? { ...chain, anchor } : chain));
  const anchoring = await deployAnchoring(site.kit, { former, withAnchor });
  return { deployment: withAnchor(anchoring.deployment), anchoring };
}

/** Lays history, and replays to where a former run had come. */
async function layDown(
  { node, kit, venue }: Site,
  given: { scenario: Scenario; former: ChainState | null; say: (line: string) => void },
): Promise<DevnetChain> {
  const { scenario, former, say } = given;
  const name = `eip155:${node.chainId}`;
  const deploymentBlocks = await kit.blockNumber();
  kit.setClock(marketClock(scenario, deploymentBlocks));
  const market = await venue.createMarket(scenario);
  const chain = follow({ node, kit, venue, deploymentBlocks, market, strangers: former?.strangers ?? [] });
  const historyEnd = Number(deploymentBlocks) + scenario.historyBlocks;
  const end = Math.max(historyEnd, former?.height ?? 0);
  say(`${name}: deployed in ${deploymentBlocks} blocks, laying down ${end - Number(deploymentBlocks)} more.`);
  for (let height = Number(deploymentBlocks) + 1; height <= end; height++) {
    await chain.step();
    if (former && height === former.height) checkReplay(name, { former, hash: chain.state().hash, say });
    if (height % 100 === 0) say(`${name}: block ${height} of ${end}.`);
  }
  return chain;
}

function checkReplay(name: string, given: { former: ChainState; hash: Hex; say: (line: string) => void }): void {
  const { former, hash, say } = given;
  if (hash === former.hash) {
    say(`${name}: block ${former.height} came out again as ${hash}.`);
    return;
  }
  if (former.reorged) {
    say(
      `${name}: somebody reorganised this chain in a former run, so its block ${former.height} is not the same again.`,
    );
    return;
  }
  throw new InputError(
    `${name}: block ${former.height} was ${former.hash} in the former run and is ${hash} now; its devnet.json belongs to other code or another seed, remove it to begin anew.`,
  );
}

/** Keeps track of one chain, and notices when somebody else has changed it. */
function follow(
  given: Site & { market: Market; deploymentBlocks: bigint; strangers: ChainState["strangers"] },
): DevnetChain {
  const { node, kit, venue, market, deploymentBlocks } = given;
  let state: ChainState = { height: 0, hash: "0x", reorged: false, strangers: [] };
  const hashAt = async (height: number | "latest") => {
    const tag = height === "latest" ? height : `0x${height.toString(16)}`;
    const block = (await kit.rpc("eth_getBlockByNumber", [tag, false])) as { number: Hex; hash: Hex } | null;
    if (block === null) return null;
    return { height: Number(block.number), hash: block.hash };
  };
  return {
    chainId: node.chainId,
    url: node.url,
    kit,
    venue,
    deploymentBlocks,
    died: node.died,
    count: async () => Number((await kit.blockNumber()) - deploymentBlocks),
    async step() {
      const before = await hashAt("latest");
      if (before === null) throw new ProviderError(`eip155:${node.chainId} has no latest block.`);
      const foreign = state.height > 0 && (before.height !== state.height || before.hash !== state.hash);
      const height = before.height + 1;
      kit.admit(given.strangers.filter((stranger) => stranger.height === height));
      await market.step(height - Number(deploymentBlocks));
      const after = await hashAt(height);
      if (after === null) throw new ProviderError(`eip155:${node.chainId} lost block ${height}.`);
      const strangers = (await kit.strangers()).map((stranger) => ({ height, ...stranger }));
      state = {
        ...after,
        reorged: state.reorged || foreign,
        strangers: [...state.strangers.filter((stranger) => stranger.height < height), ...strangers],
      };
    },
    state: () => state,
  };
}

function base({
  seed,
  historyBlocks,
  variant = "crash",
}: Scenario): Omit<DevnetState, "gate" | "chains" | "owner" | "pids"> {
  return { version: 2, seed, historyBlocks, variant };
}

/** Makes sure a folder's former run is over and was this scenario, and ends the nodes it could not end itself. */
function takeOver(former: DevnetState, scenario: Scenario, data: string): void {
  const [held, asked] = [former, base(scenario)].map(
    ({ seed, historyBlocks, variant }) => `seed ${seed} with ${historyBlocks} blocks of history of the ${variant}`,
  );
  if (held !== asked) {
    throw new InputError(
      `${data} holds a devnet of ${held}, not ${asked}; ask for that one, or give another --data folder.`,
    );
  }
  if (former.owner !== null && former.owner !== process.pid && /devnet/.test(commandOf(former.owner))) {
    throw new InputError(`${data} is in use by another devnet, process ${former.owner}; stop that one first.`);
  }
  for (const pid of former.pids) {
    // The command is checked, because the number may be somebody else's by now.
    if (/anvil .*--slots-in-an-epoch 16/.test(commandOf(pid))) process.kill(pid, "SIGKILL");
  }
}

/** The command line of a process, empty when there is none. Small images have no `ps`, other systems no `/proc`. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  }
}

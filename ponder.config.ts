import { createConfig, factory } from "ponder";
import type { AbiEvent } from "viem";
import { getAbiItem } from "viem";
import { sourcesOf } from "./src/adapters/catalogue.ts";
import type { ContractSource } from "./src/core/adapter.ts";
import { loadDeployment, nodeUrls } from "./src/indexing/settings.ts";

const deployment = loadDeployment();

const chains = Object.fromEntries(
  deployment.chains.map((chain) => {
    const { http, ws } = nodeUrls(chain.chainId);
    return [chain.name, { id: chain.chainId, rpc: http, ...(ws === null ? {} : { ws }), pollingInterval: 200 }];
  }),
);

function place(where: ContractSource["where"]) {
  if (where.kind === "addresses") return where.addresses as `0x${string}`[];
  const event = getAbiItem({ abi: where.abi, name: where.event }) as AbiEvent;
  return factory({ address: where.address, event, parameter: where.parameter as never });
}

type Entry = { abi: ContractSource["abi"]; chain: Record<string, unknown> };
const contracts: Record<string, Entry> = {};
for (const { chain, sources } of sourcesOf(deployment)) {
  for (const { name, abi, where, startBlock } of sources) {
    const entry = contracts[name] ?? { abi, chain: {} };
    contracts[name] = entry;
    entry.chain[chain.name] = { address: place(where), startBlock };
  }
}

export default createConfig({
  chains,
  contracts,
  blocks: {
    EndOfBlock: {
      chain: Object.fromEntries(deployment.chains.map((c) => [c.name, { startBlock: c.startBlock, interval: 1 }])),
    },
  },
  ...(process.env.DATABASE_URL
    ? {}
    : { database: { kind: "pglite" as const, directory: `${process.env.PLUMBLINE_DATA ?? ".plumbline"}/pglite` } }),
} as Parameters<typeof createConfig>[0]);

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import type { Devnet } from "../../devnet/devnet.ts";
import type { Health } from "../../server/http/health.ts";
import { readOptions } from "../../server/options.ts";
import { startServer } from "../../server/server.ts";
import type { Epoch } from "../../src/core/assessment.ts";
import type { Deployment } from "../../src/core/deployment.ts";
import { type Indexer, startIndexer } from "./indexer.ts";
import { rpcUrlsOf, until } from "./world.ts";

/** What makes an instance another than the next one. */
export type InstanceOptions = {
  /** Of its log and its data directory. */
  name: string;
  folder: string;
  deployment: Deployment;
  /** PostgreSQL; PGlite in the data directory when absent. */
  databaseUrl?: string;
  /** A folder, or a file of versions. */
  rulebooks?: string;
  /** Nodes by chain id; those of the devnet when absent. */
  rpcUrls?: Readonly<Record<number, string>>;
};

/** An operator's Plumbline: with a database, a cache, keys and a log of its own. */
export type Instance = {
  url: string;
  data: string;
  /** Of the indexer's tables. */
  schema: string;
  indexer: Indexer;
  /** Resolves once every chain has been followed and sealed up to these blocks. */
  untilAt(blocks: Readonly<Record<string, { followed: number; sealed: number }>>): Promise<void>;
  /** Sealed epochs of a chain, oldest first. */
  epochs(chain: string): Epoch[];
  stop(): Promise<void>;
};

const SCHEMA = "instance_test";
const AT_WITHIN_MS = 480_000;

/** Starts the indexer as a process, and the server here. No evidence is captured: two operators need not have the same. */
export async function startInstance(devnet: Devnet, options: InstanceOptions): Promise<Instance> {
  const { name, folder, deployment, databaseUrl, rulebooks = "rulebooks", rpcUrls = rpcUrlsOf(devnet) } = options;
  const data = join(folder, name);
  mkdirSync(data, { recursive: true });
  const indexer = await startIndexer({
    ...{ deployment, rpcUrls, schema: SCHEMA, data, rulebooks },
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });
  const serverOptions = readOptions(["--deployment", indexer.deploymentFile, "--rulebooks", rulebooks], {
    ...Object.fromEntries(Object.entries(rpcUrls).map(([chainId, url]) => [`PONDER_RPC_URL_${chainId}`, url])),
    ...{ PORT: "0", PLUMBLINE_DATA: data, PLUMBLINE_INDEXER_URL: indexer.url, PLUMBLINE_EVIDENCE: "off" },
    PLUMBLINE_ORIGIN: `plumbline.test/${name}`,
  });
  const server = await startServer(serverOptions, { log: pino({ level: process.env.TEST_LOG ?? "silent" }) });
  const health = async () => (await (await fetch(`${server.url}/v1/health`)).json()) as Health;
  return {
    ...{ url: server.url, data, schema: SCHEMA, indexer },
    async untilAt(blocks) {
      const isThere = ({ chain, followed, sealed }: Health["chains"][number]) => {
        const wanted = blocks[chain];
        return wanted === undefined || (Number(followed) === wanted.followed && Number(sealed) === wanted.sealed);
      };
      const what = `${name} to be at ${JSON.stringify(blocks)}`;
      await until(async () => (await health()).chains.every(isThere), what, AT_WITHIN_MS);
    },
    epochs: (chain) => sealedEpochs(data, chain),
    async stop() {
      await server.stop();
      await indexer.stop();
    },
  };
}

/** The bodies of a log's epoch leaves, as they stand on disk. */
function sealedEpochs(data: string, chain: string): Epoch[] {
  const store = new Database(join(data, "server", "ledger.sqlite"), { readonly: true });
  try {
    const rows = store.prepare(
      `SELECT body FROM leaf WHERE kind = 'epoch' AND chain = ? AND idx < (SELECT max(size) FROM checkpoint) ORDER BY idx`,
    );
    return (rows.pluck().all(chain) as string[]).map((body) => JSON.parse(body) as Epoch);
  } finally {
    store.close();
  }
}

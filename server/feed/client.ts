import { z } from "zod";
import { EPOCH_TREES, type EpochTree, type FeedPage } from "../../src/core/assessment.ts";
import { ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import type { PublishedHead, PublishedHeads } from "../../src/core/published-head.ts";
import { question } from "./question.ts";

/** Figures computed on read, keyed by position or account id; `null` where the book holds no such subject. */
export type CurrentFigures = {
  positions: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  accounts: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
};

/** Recorded blocks, rising; `line` is the block with its rows, one line of JSON. */
export type HistoryPage = {
  head: string | null;
  blocks: readonly { number: string; hash: string; parentHash: string; line: string }[];
};

/** Leaves of one tree of an epoch in the order of their keys; `next` is the key to go on after, null at the end. */
export type LeafPage = { leaves: readonly { key: string; state: StateJson }[]; next: string | null };

/** What the server asks of the indexer's loopback API. */
export type IndexerClient = {
  url: string;
  /** Blocks above `after`, rising, at most `limit`. */
  feed(chain: string, page: { after: number; limit: number }): Promise<FeedPage>;
  /** Hash of the block the indexer holds at a height, or `null` where it holds none. */
  blockHash(chain: string, number: number): Promise<Hex | null>;
  /** All leaves of an epoch's tree behind `after`, page by page; `null` where the indexer does not have the epoch. */
  epochLeaves(chain: string, page: { number: string; tree: EpochTree; after: string }): Promise<LeafPage | null>;
  /** Recorded blocks above `after` with their rows, rising, at most `limit`. */
  history(chain: string, page: { after: number; limit: number }): Promise<HistoryPage>;
  /**
   * Heads that the chain's anchor published after the event `after` (`""`: from the first on) up to the block `to`, in the
   * chain's order; as many as the indexer gives at once.
   */
  heads(chain: string, range: { after: string; to: number }): Promise<readonly PublishedHead[]>;
  current(subjects: { positions: readonly string[]; accounts: readonly string[] }): Promise<CurrentFigures>;
  /** The indexer's explanation of a figure, passed on as it is: status and JSON. */
  explain(query: { subject: string; metric: string; rule?: string }): Promise<{ status: number; body: unknown }>;
  /** What the indexer compares over its books: `matrix`, `divergence`, …; status and JSON as it gives them. */
  harmonization(what: string, query: readonly [string, string][]): Promise<{ status: number; body: unknown }>;
};

const integer = z.string().regex(/^(0|[1-9]\d{0,14})$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);

const pageShape = z.object({
  chain: z.string(),
  head: z.object({ number: integer, hash }).nullable(),
  blocks: z.array(
    z.object({
      chain: z.string(),
      number: integer,
      hash,
      parentHash: hash,
      timestamp: integer,
      assessments: z.array(z.looseObject({ id: z.string(), subject: z.string(), ruleId: z.string() })),
      closed: z.array(z.object({ protocol: z.string(), subject: z.string() })),
      epoch: z.looseObject({ number: integer }).nullable(),
      leaves: z.array(z.object({ tree: z.enum(EPOCH_TREES), key: z.string(), state: z.json() })),
    }),
  ),
});

const leavesShape = z.object({
  leaves: z.array(z.object({ key: z.string(), state: z.json() })),
  next: z.string().nullable(),
});

const historyShape = z.object({
  chain: z.string(),
  head: integer.nullable(),
  blocks: z.array(z.object({ number: integer, hash, parentHash: hash, line: z.string() })),
});

const headsShape = z.object({
  chain: z.string(),
  heads: z.array(
    z.object({
      id: z.string(),
      contract: z.string().regex(/^0x[0-9a-f]{40}$/),
      size: integer,
      root: hash,
      blockNumber: integer,
      blockHash: hash,
      txHash: hash,
      logIndex: z.number().int().nonnegative(),
    }),
  ),
});

/**
 * A client of the indexer's loopback API.
 * @throws ProviderError (from its functions) when the indexer does not answer, or not as agreed.
 */
export function createIndexerClient(url: string, timeoutMs = 20_000): IndexerClient {
  const base = url.replace(/\/+$/, "");

  async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
    let response: Response;
    try {
      response = await question(`${base}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw new ProviderError(`The indexer does not answer ${path.split("?")[0]}.`, { cause: error });
    }
    const body = await response.json().catch(() => null);
    return { status: response.status, body };
  }

  return {
    url: base,
    async feed(chain, { after, limit }) {
      const { status, body } = await ask(`/feed?chain=${encodeURIComponent(chain)}&after=${after}&limit=${limit}`);
      const page = pageShape.safeParse(body);
      if (status !== 200 || !page.success || page.data.chain !== chain) {
        throw new ProviderError(`The indexer's feed of ${chain} after ${after} is not a feed page (HTTP ${status}).`);
      }
      return body as FeedPage;
    },
    async blockHash(chain, number) {
      const { status, body } = await ask(`/feed/block?chain=${encodeURIComponent(chain)}&number=${number}`);
      if (status === 404) return null;
      const found = z.object({ hash }).safeParse(body);
      if (status !== 200 || !found.success) {
        throw new ProviderError(
          `The indexer does not say which block ${number} of ${chain} it holds (HTTP ${status}).`,
        );
      }
      return found.data.hash as Hex;
    },
    async epochLeaves(chain, page) {
      const query = new URLSearchParams({ chain, ...page });
      const { status, body } = await ask(`/epoch/leaves?${query}`);
      if (status === 404) return null;
      const found = leavesShape.safeParse(body);
      if (status !== 200 || !found.success) {
        throw new ProviderError(
          `The indexer's leaves of epoch ${page.number} of ${chain} cannot be read (HTTP ${status}).`,
        );
      }
      return body as LeafPage;
    },
    async history(chain, { after, limit }) {
      const { status, body } = await ask(`/history?chain=${encodeURIComponent(chain)}&after=${after}&limit=${limit}`);
      const page = historyShape.safeParse(body);
      if (status !== 200 || !page.success || page.data.chain !== chain) {
        throw new ProviderError(`The indexer's history of ${chain} after ${after} cannot be read (HTTP ${status}).`);
      }
      return page.data;
    },
    async heads(chain, { after, to }) {
      const query = new URLSearchParams({ chain, after, to: String(to) });
      const { status, body } = await ask(`/heads?${query}`);
      const page = headsShape.safeParse(body);
      if (status !== 200 || !page.success || page.data.chain !== chain) {
        throw new ProviderError(`The indexer's heads of ${chain} after "${after}" cannot be read (HTTP ${status}).`);
      }
      return (body as PublishedHeads).heads;
    },
    async current(subjects) {
      const { status, body } = await ask("/current", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(subjects),
      });
      const found = z.object({ positions: z.record(z.string(), z.any()), accounts: z.record(z.string(), z.any()) });
      if (status !== 200 || !found.safeParse(body).success) {
        throw new ProviderError(`The indexer does not state current figures (HTTP ${status}).`);
      }
      return body as CurrentFigures;
    },
    explain: (query) => ask(`/explain?${new URLSearchParams(query)}`),
    harmonization: (what, query) => ask(`/harmonization/${what}?${new URLSearchParams(query as [string, string][])}`),
  };
}

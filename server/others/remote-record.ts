import * as z from "zod";
import type { EpochTree } from "../../src/core/assessment.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { EpochState } from "../../src/core/log/compare-epochs.ts";
import { canonicalText, type Json, MAX_BYTES, parseCanonical } from "../../src/core/proof/canonical.ts";
import { readShape } from "../../src/core/proof/shapes.ts";
import { download } from "./remote-log.ts";

/** Which epoch. */
export type EpochName = { chain: string; number: string };

/** A page of an epoch's leaves; `next` is the key to go on after, null on the last page. */
export type LeafPage = { leaves: readonly EpochState[]; next: string | null };

/** What a server states of its epochs beside its log. Nothing of it is checked here but its form and its size. */
export type RemoteRecord = {
  /** The CAIP-2 chains it follows. */
  chains(): Promise<readonly string[]>;
  /** The body of a rulebook, deployment or epoch of its log; null where it has none of this hash. */
  body(hash: Hex): Promise<Json | null>;
  /** The body of a sealed epoch; null while there is none. */
  epoch(name: EpochName): Promise<Json | null>;
  /** Leaves of an epoch's tree behind a key, in the order of their keys; null where the server does not have them. */
  leaves(of: EpochName & { tree: EpochTree; after: string | null }): Promise<LeafPage | null>;
};

const MAX_HEALTH_BYTES = 1_048_576;
/** Leaves asked for at a time. */
const PAGE = 500;
const MAX_KEY = 512;

const healthShape = z.object({ chains: z.array(z.object({ chain: z.string() })).max(1_000) });
const epochShape = z.object({ epoch: z.unknown() });
const pageShape = z.object({
  leaves: z.array(z.object({ key: z.string().max(MAX_KEY), state: z.unknown() })).max(PAGE),
  next: z.string().max(MAX_KEY).nullable(),
});

/**
 * The record below a prefix like `https://host`.
 * @throws InputError for what is no such prefix; ProviderError (from its functions) when it does not answer; InputError
 * when what it answers is not what was asked for.
 */
export function remoteRecord(prefix: string, { timeoutMs }: { timeoutMs: number }): RemoteRecord {
  if (!/^https?:\/\//.test(prefix) || !URL.canParse(prefix)) {
    throw new InputError(`"${prefix}" is not where a server is reached, like https://host.`);
  }
  const base = prefix.replace(/\/+$/, "");
  const get = (path: string, limit: number) => download(`${base}/v1/${path}`, { limit, timeoutMs });

  async function json(path: string, limit: number): Promise<Json | null> {
    const bytes = await get(path, limit);
    if (bytes === null) return null;
    try {
      const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
      return value;
    } catch {
      throw new InputError(`/v1/${path} does not answer with JSON.`);
    }
  }

  return {
    async chains() {
      const answer = await json("health", MAX_HEALTH_BYTES);
      if (answer === null) throw new ProviderError(`${base} has no /v1/health.`);
      return readShape(healthShape, answer, "/v1/health").chains.map(({ chain }) => chain);
    },
    async body(hash) {
      const bytes = await get(`bodies/${hash}`, MAX_BYTES);
      return bytes === null ? null : parseCanonical(bytes);
    },
    async epoch({ chain, number }) {
      const path = `epochs/${encodeURIComponent(chain)}/${number}`;
      const answer = await json(path, MAX_BYTES);
      return answer === null ? null : (readShape(epochShape, answer, `/v1/${path}`).epoch as Json);
    },
    async leaves({ chain, number, tree, after }) {
      const query = new URLSearchParams({ tree, limit: String(PAGE), ...(after === null ? {} : { after }) });
      const path = `epochs/${encodeURIComponent(chain)}/${number}/leaves?${query}`;
      const answer = await json(path, MAX_BYTES);
      if (answer === null) return null;
      const page = readShape(pageShape, answer, `/v1/${path}`);
      // A state that has no canonical form is in no tree.
      for (const { state } of page.leaves) canonicalText(state as Json);
      return page as LeafPage;
    },
  };
}

import type { Hex } from "./ids.ts";

/**
 * A head that an anchor published, as the indexer has it: the `LOG_HEAD` event. `id` is the event's, and rises with its
 * place in the chain; `size` and `blockNumber` are decimal strings, `contract` is lower case.
 */
export type PublishedHead = {
  id: string;
  contract: Hex;
  size: string;
  root: Hex;
  blockNumber: string;
  blockHash: Hex;
  txHash: Hex;
  logIndex: number;
};

/** Published heads of a chain, rising by place; at most as many as were asked for. */
export type PublishedHeads = { chain: string; heads: readonly PublishedHead[] };

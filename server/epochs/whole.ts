import { EPOCH_TREES, type Epoch, type EpochLeaf } from "../../src/core/assessment.ts";
import { ProviderError } from "../../src/core/errors.ts";
import type { IndexerClient } from "../feed/client.ts";

/**
 * All leaves of an epoch, as the indexer has them.
 * @throws ProviderError when it does not answer, or does not have the epoch yet.
 */
export async function allLeaves(indexer: Pick<IndexerClient, "epochLeaves">, epoch: Epoch): Promise<EpochLeaf[]> {
  const { chain, number } = epoch;
  const leaves: EpochLeaf[] = [];
  for (const tree of EPOCH_TREES) {
    for (let after: string | null = ""; after !== null; ) {
      const page = await indexer.epochLeaves(chain, { number, tree, after });
      if (page === null) throw new ProviderError(`The indexer does not have epoch ${number} of ${chain} yet.`);
      for (const { key, state } of page.leaves) leaves.push({ tree, key, state });
      after = page.next;
    }
  }
  return leaves;
}

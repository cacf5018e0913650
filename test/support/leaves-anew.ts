/** The roots of an epoch, made anew from all its leaves as an indexer gives them. */
import { createIndexerClient, type LeafPage } from "../../server/feed/client.ts";
import type { Epoch, EpochTree } from "../../src/core/assessment.ts";
import { type EpochRoots, EpochTrees } from "../../src/core/proof/epoch-trees.ts";

/** So few leaves a page that there are several. */
const PAGE = 10;

/** The first epochs of a chain that an indexer has struck, with the roots that all their leaves make. */
export async function epochsAnew(
  url: string,
  { chain, count }: { chain: string; count: number },
): Promise<{ struck: EpochRoots; anew: EpochRoots }[]> {
  const { blocks } = await createIndexerClient(url).feed(chain, { after: 0, limit: 200 });
  const found: { struck: EpochRoots; anew: EpochRoots }[] = [];
  for (const epoch of blocks.flatMap((block) => block.epoch ?? []).slice(0, count)) {
    found.push({ struck: rootsOf(epoch), anew: await rootsAnew(url, epoch) });
  }
  return found;
}

async function rootsAnew(url: string, { chain, number }: Epoch): Promise<EpochRoots> {
  const trees = new EpochTrees();
  for (const tree of ["state", "assessment", "collateral"] as const satisfies readonly EpochTree[]) {
    for (let after: string | null = ""; after !== null; ) {
      const query: string = new URLSearchParams({ chain, number, tree, after, limit: String(PAGE) }).toString();
      const page = (await (await fetch(`${url}/epoch/leaves?${query}`)).json()) as LeafPage;
      for (const { key, state } of page.leaves) trees.put({ tree, key, state });
      after = page.next;
    }
  }
  return trees.roots();
}

function rootsOf(epoch: Epoch): EpochRoots {
  const { stateRoot, stateCount, assessmentRoot, assessmentCount, collateralRoot, collateralCount } = epoch;
  return { stateRoot, stateCount, assessmentRoot, assessmentCount, collateralRoot, collateralCount };
}

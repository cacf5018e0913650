/**
 * `npm run parity`: the figures of every trader against the protocols' own views, at every tenth block of the devnet's
 * history, before and at every liquidation, and what is held and owed at every epoch's end. Exits 1 when one differs by a single wei.
 *
 * It starts a devnet of its own, or asks the nodes of `PONDER_RPC_URL_901` and `PONDER_RPC_URL_902` where both are set.
 */
import { readFileSync } from "node:fs";
import { createPublicClient, http } from "viem";
import { startDevnet } from "../../devnet/devnet.ts";
import type { PerpV2Model } from "../../src/adapters/perp-v2/model.ts";
import { parseDeployment } from "../../src/core/deployment.ts";
import { abs } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";
import { answerEpoch, comparePerpCustody, compareSynthetixCustody } from "./custody.ts";
import { comparePerpV2 } from "./perp-v2.ts";
import { createReplay, type Replay, type ReplayClient } from "./replay.ts";
import { type Compared, compareSynthetix } from "./synthetix.ts";

/** Blocks between comparisons. */
const EVERY_BLOCKS = 10n;
/** What a run must have compared to mean anything. */
const LEAST_COMPARISONS = 2_000;
const LEAST_NON_ZERO = 1_000;
const MISMATCHES_SHOWN = 20;

type Result = Compared & { protocol: string; blocks: number; liquidations: number };

const given = [process.env.PONDER_RPC_URL_901, process.env.PONDER_RPC_URL_902];
const devnet = given.every((url) => url !== undefined && url !== "") ? null : await startDevnet({ onProgress: say });
let failed = true;
try {
  const deployment: Deployment =
    devnet?.deployment ?? parseDeployment(readFileSync("deployments/devnet.json", "utf8"), "deployments/devnet.json");
  const urls = devnet?.urls ?? (given as string[]);
  const results: Result[] = [];
  for (const [i, chain] of deployment.chains.entries()) {
    for (const { protocol } of chain.protocols)
      results.push(await compareHistory(urls[i] as string, { chain, protocol }));
  }
  failed = !report(results);
} finally {
  await devnet?.stop();
}
process.exit(failed ? 1 : 0);

async function compareHistory(url: string, of: { chain: ChainDeployment; protocol: string }): Promise<Result> {
  const { chain, protocol } = of;
  const client = createPublicClient({ transport: http(url, { batch: { batchSize: 200 } }), cacheTime: 0 });
  const replayClient = client as unknown as ReplayClient;
  const head = await client.getBlockNumber();
  const moments = await comparisonBlocks(replayClient, { chain, protocol, head });
  const replay = createReplay({ client: replayClient, chain, protocol });
  const result: Result = {
    protocol,
    compared: 0,
    nonZero: 0,
    mismatches: [],
    blocks: 0,
    liquidations: moments.liquidations,
  };
  for (const [i, block] of moments.blocks.entries()) {
    await replay.advance(block);
    if (replay.model.marketKeys().length === 0) continue;
    const found = await compareAt(replay, { client: replayClient, chain, block, everyone: block === head });
    add(result, found);
    if (endsEpoch(chain, block)) {
      const scene = { client: replayClient, chain, model: replay.model, block };
      await answerEpoch(scene);
      add(result, await (protocol === "perp-v2" ? comparePerpCustody(scene) : compareSynthetixCustody(scene)));
    }
    result.blocks++;
    if (i % 10 === 9) say(`${protocol}: ${i + 1} of ${moments.blocks.length} blocks, ${result.compared} comparisons.`);
  }
  printSumOfPositions(replay);
  return result;
}

function add(result: Result, { compared, nonZero, mismatches }: Compared): void {
  result.compared += compared;
  result.nonZero += nonZero;
  result.mismatches.push(...mismatches);
}

function endsEpoch({ epochBlocks }: ChainDeployment, block: bigint): boolean {
  return (block + 1n) % BigInt(epochBlocks) === 0n;
}

/** Every tenth block up to the head, every epoch's last, and for each liquidation its block and the one before. */
async function comparisonBlocks(
  client: ReplayClient,
  { chain, protocol, head }: { chain: ChainDeployment; protocol: string; head: bigint },
): Promise<{ blocks: bigint[]; liquidations: number }> {
  const scout = createReplay({ client, chain, protocol });
  await scout.advance(head);
  const wanted = new Set<bigint>([head]);
  for (let n = EVERY_BLOCKS; n <= head; n += EVERY_BLOCKS) wanted.add(n);
  for (let n = 0n; n <= head; n++) if (endsEpoch(chain, n)) wanted.add(n);
  const liquidations = scout.events.filter((e) => e.kind === "LIQUIDATION");
  for (const { block } of liquidations) wanted.add(block.number - 1n).add(block.number);
  const blocks = [...wanted].filter((n) => n >= BigInt(chain.startBlock)).sort((a, b) => (a < b ? -1 : 1));
  return { blocks, liquidations: liquidations.length };
}

/** Accounts are asked for in the markets they ever had margin in, and with `everyone` in all the others too. */
function compareAt(
  replay: Replay,
  {
    client,
    chain,
    block,
    everyone,
  }: { client: ReplayClient; chain: ChainDeployment; block: bigint; everyone: boolean },
): Promise<Compared> {
  const { model } = replay;
  if (model.protocol === "perp-v2") {
    return comparePerpV2({ client, deployment: chain, model: model as PerpV2Model, block, everything: true });
  }
  return compareSynthetix({
    client,
    model,
    block,
    ...(everyone ? {} : { accountsIn: (key) => accountsIn(replay, key) }),
  });
}

/** Whoever an event of the market was about, so far. */
function accountsIn({ events }: Replay, market: string): Hex[] {
  const own = events.filter((event) => event.market === market);
  return [...new Set(own.flatMap(({ account }) => account ?? []))];
}

/** Prints how far the positions of a matched book cancel; each was compared with `getTakerPositionSize` before. */
function printSumOfPositions(replay: Replay): void {
  if (replay.model.book !== "matched") return;
  const now = replay.events.at(-1)?.block.timestamp ?? 0n;
  for (const key of replay.model.marketKeys()) {
    const { longSize, shortSize, symbol } = replay.model.market(key, now);
    const takers = replay.model
      .addresses()
      .flatMap((address) => replay.model.account(address, now).groups.flatMap((g) => g.positions))
      .filter((position) => position.market === key)
      .reduce((sum, position) => sum + position.takerSize, 0n);
    say(
      `${symbol}: long ${longSize}, short ${shortSize}, difference ${abs(longSize - shortSize)}; takers' sum ${takers}.`,
    );
  }
}

/** Prints the totals. @returns whether enough was compared and all of it agreed. */
function report(results: readonly Result[]): boolean {
  let ok = true;
  for (const { protocol, compared, nonZero, mismatches, blocks, liquidations } of results) {
    const verdict = mismatches.length === 0 ? "all equal to the wei" : `${mismatches.length} differ`;
    console.log(
      `${protocol}: ${compared} comparisons (${nonZero} of non-zero values) at ${blocks} blocks, ${liquidations} liquidation events: ${verdict}.`,
    );
    for (const m of mismatches.slice(0, MISMATCHES_SHOWN)) {
      console.log(
        `  block ${m.block} ${m.market} ${m.account ?? ""} ${m.figure}: ours ${m.ours}, protocol's ${m.theirs}`,
      );
    }
    ok &&= mismatches.length === 0;
  }
  const total = results.reduce((n, r) => n + r.compared, 0);
  const nonZero = results.reduce((n, r) => n + r.nonZero, 0);
  const enough = total >= LEAST_COMPARISONS && nonZero >= LEAST_NON_ZERO;
  if (!enough) console.log(`Expected at least ${LEAST_COMPARISONS} comparisons, ${LEAST_NON_ZERO} of non-zero values.`);
  console.log(
    `${total} comparisons, ${nonZero} of non-zero values: ${ok && enough ? "parity holds" : "parity does not hold"}.`,
  );
  return ok && enough;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

import { stream } from "hono/streaming";
import { ProviderError } from "../../src/core/errors.ts";
import { caip2 } from "../../src/core/ids.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import type { HistoryPage, IndexerClient } from "../feed/client.ts";
import { type App, sentence } from "./app.ts";

/** What the history is served from, and the ground it was recorded on. */
export type HistorySources = {
  indexer: IndexerClient;
  deployment: Deployment;
  rulebook: Rulebook;
  /** Milliseconds a reader may take over one page; two minutes when absent. */
  pageWithinMs?: number;
};

/** Blocks asked of the indexer at once. */
const PAGE = 200;
/** Histories sent at once, at most; each is read page by page only as fast as its reader takes it. */
const STREAMS_MAX = 4;
/** How long a reader may take over one page before its place is given to another. */
const PAGE_WITHIN_MS = 120_000;

/** Higher than any block. */
const LAST_BLOCK = "999999999999999";

type Asked = { chain: string; from: number; to: number };

/**
 * Adds `/v1/history`: what was recorded of the chains, for whoever wants to fold it again. Without a chain it says which
 * there are, and under which deployment and rulebook. With `?chain=` it streams that chain's blocks `from` … `to`, one a
 * line, and ends with a line `{"end": …}`; a history without that line is not whole.
 */
export function addHistory(app: App, sources: HistorySources): void {
  const { indexer, deployment, rulebook, pageWithinMs = PAGE_WITHIN_MS } = sources;
  const chains = deployment.chains.map(({ chainId }) => caip2(chainId));
  let open = 0;
  app.get("/v1/history", async (context) => {
    const { chain, from = "0", to = LAST_BLOCK } = context.req.query();
    context.header("Cache-Control", "no-store");
    if (chain === undefined) return context.json({ chains, deployment, rulebook: rulebook.source });
    if (!chains.includes(chain)) return sentence(context, 404, `Expected ?chain= to be one of ${chains.join(", ")}.`);
    if (!isNumber(from) || !isNumber(to)) return sentence(context, 400, "Expected from and to to be block numbers.");
    if (open >= STREAMS_MAX) return sentence(context, 503, "Too many histories are being read; try again later.");
    const pages = linesOf(indexer, { chain, from: Number(from), to: Number(to) });
    open++;
    // The first page is read before the answer begins, so that an indexer that is away is a plain error.
    const first = await pages.next().catch((error: unknown) => {
      open--;
      throw error;
    });
    context.header("Content-Type", "application/x-ndjson");
    return stream(context, async (out) => {
      try {
        for (let page = first; !out.aborted && !page.done; page = await pages.next()) {
          const stalled = setTimeout(() => out.abort(), pageWithinMs);
          await out.write(page.value).finally(() => clearTimeout(stalled));
        }
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        await out.write(`${JSON.stringify({ error: error.message })}\n`);
      } finally {
        open--;
      }
    });
  });
}

/** Pages of lines. Each page must follow the one before. */
async function* linesOf(indexer: IndexerClient, { chain, from, to }: Asked): AsyncGenerator<string> {
  let last: HistoryPage["blocks"][number] | null = null;
  for (let after = from - 1; after < to; ) {
    const page: HistoryPage = await indexer.history(chain, { after, limit: Math.min(PAGE, to - after) });
    const blocks = page.blocks.filter(({ number }) => Number(number) <= to);
    const first = blocks[0];
    if (first === undefined) break;
    if (last !== null && Number(first.number) === Number(last.number) + 1 && first.parentHash !== last.hash) {
      throw new ProviderError(`${chain} was reorganised at block ${first.number} while its history was read.`);
    }
    last = blocks.at(-1) ?? first;
    after = Number(last.number);
    yield `${blocks.map(({ line }) => line).join("\n")}\n`;
  }
  yield `${JSON.stringify({ end: last?.number ?? null })}\n`;
}

function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,14})$/.test(text);
}

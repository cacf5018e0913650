import type { IndexerClient } from "../feed/client.ts";
import { type App, sentence } from "./app.ts";

/** Adds `/v1/explain`: how a figure came about, as the indexer tells it from its book; `rule` names whose rates it uses. */
export function addExplain(app: App, indexer: IndexerClient): void {
  app.get("/v1/explain", async (context) => {
    const { subject, metric, rule } = context.req.query();
    if (!subject || !metric || subject.length > 300 || metric.length > 100 || (rule?.length ?? 0) > 100) {
      return sentence(context, 400, "An explanation needs ?subject=<id>&metric=<name>, such as metric=POS.EQUITY.");
    }
    const { status, body } = await indexer.explain({ subject, metric, ...(rule === undefined ? {} : { rule }) });
    if (status === 400 || status === 404) {
      const text = (body as { error?: unknown } | null)?.error;
      return sentence(context, status, typeof text === "string" ? text : "There is nothing to explain here.");
    }
    if (status !== 200) return sentence(context, 502, "The indexer cannot explain this now; try again.");
    context.header("Cache-Control", "no-store");
    return context.json(body as never);
  });
}

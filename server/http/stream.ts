import { streamSSE } from "hono/streaming";
import type { LeafRow } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Store } from "../store/database.ts";
import { type App, sentence } from "./app.ts";

const BATCH = 200;
const PING_MS = 15_000;
const STREAMS_MAX = 200;

/** A ledger entry as the public sees it; `assurance` is that of the evidence there is by now. */
function publicEntry(row: LeafRow, assurance: string): Record<string, string | number | null> {
  return {
    index: row.index,
    leafHash: row.hash,
    kind: row.kind,
    refId: row.refId,
    chain: row.chain,
    blockNumber: row.blockNumber === null ? null : String(row.blockNumber),
    blockHash: row.blockHash,
    subject: row.subject,
    ruleId: row.ruleId,
    outcome: row.outcome,
    assurance,
  };
}

/**
 * Adds `/v1/stream`: ledger entries as server-sent events, whose id is the leaf index. A reader that names the last one
 * it has (`Last-Event-ID`, or `?after=`) gets every later one, each once; one that names none gets what comes from now.
 */
export function addStream(app: App, { ledger, store }: { ledger: Ledger; store: Store }): { count(): number } {
  const assurance = store.read.prepare("SELECT assurance FROM ledger_entry WHERE idx = ?").pluck();
  const entryOf = (row: LeafRow) => publicEntry(row, assurance.get(row.index) as string);
  let open = 0;
  app.get("/v1/stream", (context) => {
    const after = context.req.header("last-event-id") ?? context.req.query("after");
    if (after !== undefined && !/^(-1|0|[1-9]\d{0,14})$/.test(after)) {
      return sentence(context, 400, "Last-Event-ID is the index of a leaf, or -1 for all of them.");
    }
    if (open >= STREAMS_MAX) return sentence(context, 503, "Too many streams are open; try again later.");
    let next = after === undefined ? (ledger.head()?.size ?? 0) : Number(after) + 1;
    open++;
    return streamSSE(context, async (stream) => {
      let wake: () => void = () => {};
      const unsubscribe = ledger.subscribe(() => wake());
      stream.onAbort(() => wake());
      try {
        while (!stream.aborted && !stream.closed) {
          const rows = ledger.rows(next, BATCH);
          for (const row of rows) {
            await stream.writeSSE({ id: String(row.index), event: row.kind, data: JSON.stringify(entryOf(row)) });
            next = row.index + 1;
          }
          if (rows.length > 0) continue;
          const news = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(false), PING_MS);
            wake = () => {
              clearTimeout(timer);
              resolve(true);
            };
          });
          if (!news) await stream.write(": still here\n\n");
        }
      } finally {
        unsubscribe();
        open--;
      }
    });
  });
  return { count: () => open };
}

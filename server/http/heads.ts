import { headListText } from "../../src/core/log/head-list.ts";
import type { Cosignatures } from "../cosigners/cosignatures.ts";
import { type App, sentence } from "./app.ts";

/** Cosigned heads in one answer. */
const HEADS = { usual: 100, most: 1_000 } as const;

/**
 * Adds `/log/cosigned`, the largest head that enough witnesses have cosigned, and `/log/heads?after=SIZE&limit=NUMBER`,
 * all of them, the smallest first, for archives.
 */
export function addHeads(app: App, cosignatures: Pick<Cosignatures, "newest" | "list">): void {
  app.get("/log/cosigned", (context) => {
    context.header("Cache-Control", "no-cache");
    const head = cosignatures.newest(1);
    if (head === null) return sentence(context, 404, "No head of the log has been cosigned yet.");
    return context.text(head.note);
  });

  app.get("/log/heads", (context) => {
    const after = naturalOf(context.req.query("after") ?? "0");
    const limit = naturalOf(context.req.query("limit") ?? String(HEADS.usual));
    if (after === null || limit === null || limit === 0) {
      return sentence(context, 400, "Expected after=SIZE and limit=NUMBER, whole numbers, the limit from 1 on.");
    }
    context.header("Cache-Control", "no-cache");
    const heads = cosignatures.list({ after, limit: Math.min(limit, HEADS.most) });
    return context.text(headListText(heads.map(({ note }) => note)));
  });
}

function naturalOf(text: string): number | null {
  return /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : null;
}

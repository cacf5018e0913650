import type { Ledger } from "../ledger/ledger.ts";
import { type App, sentence } from "./app.ts";

/** What is named by the hash of its body, and public. */
const NAMED: readonly string[] = ["rulebook", "deployment", "epoch"];

/** What has a hash never changes. */
const FOR_EVER = "public, max-age=31536000, immutable";

/**
 * Adds `/v1/bodies/:hash`: the RFC 8785 body of a sealed rulebook, deployment or epoch by the hash in its leaf, for whoever
 * reads the log and wants to know what a leaf says.
 */
export function addBodies(app: App, ledger: Ledger): void {
  app.get("/v1/bodies/:hash", (context) => {
    const hash = context.req.param("hash");
    const found = /^0x[0-9a-f]{64}$/.test(hash) ? ledger.find(hash.slice(2)) : null;
    if (found === null || !NAMED.includes(found.row.kind)) {
      return sentence(context, 404, "No rulebook, deployment or epoch in the signed log has this hash.");
    }
    return context.body(found.row.body, 200, { "Content-Type": "application/json", "Cache-Control": FOR_EVER });
  });
}

import { keyListText } from "../../src/core/log/head.ts";
import { encodeTlogProof } from "../../src/core/log/tlog-proof.ts";
import { encodeEntries, parseTilePath, type Tile, tileHashes } from "../../src/core/proof/tiles.ts";
import { largestHead } from "../cosigners/bundle-head.ts";
import type { Cosignatures } from "../cosigners/cosignatures.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type App, sentence } from "./app.ts";

/** Full tiles and bundles never change. */
const FOR_EVER = "public, max-age=31536000, immutable";

/**
 * Adds the log as C2SP clients read it: `/log/checkpoint`, `/log/tile/…`, `/log/proof/<index>`, a leaf with its tlog-proof
 * under the largest cosigned head, and the keys that check it.
 * @param cosignatures those that stand below the checkpoint, where any are gathered.
 */
export function addLog(app: App, ledger: Ledger, cosignatures?: Pick<Cosignatures, "at" | "newest">): void {
  app.get("/log/checkpoint", (context) => {
    const head = ledger.head();
    if (head === null) return sentence(context, 404, "The log is still empty.");
    context.header("Cache-Control", "no-cache");
    return context.text(cosignatures?.at(head.size)?.note ?? head.note);
  });

  app.get("/log/key", (context) => context.text(keyListText(ledger.verifierKeys)));

  app.get("/log/proof/:index", (context) => {
    const { index: text } = context.req.param();
    const last = ledger.head();
    if (!/^(0|[1-9]\d{0,14})$/.test(text)) return sentence(context, 400, "A leaf has an index of decimal digits.");
    const index = Number(text);
    if (last === null || index >= last.size) {
      return sentence(
        context,
        404,
        `The log has ${last?.size ?? 0} leaves under its last head; leaf ${text} is none of them.`,
      );
    }
    const { size, note } = cosignatures === undefined ? last : largestHead(index + 1, { last, cosignatures });
    const [extra = null] = ledger.data(index, 1);
    // A larger head, or one with more cosignatures, may come at any time.
    context.header("Cache-Control", "no-cache");
    return context.text(encodeTlogProof({ index, proof: ledger.tree.inclusionProof(index, size), note, extra }));
  });

  app.get("/log/tile/*", (context) => {
    const tile = parseTilePath(context.req.path.slice("/log/".length));
    const bytes = tile === null ? null : tileBytes(ledger, tile);
    if (bytes === null) return sentence(context, 404, "The log has no such tile.");
    context.header("Cache-Control", FOR_EVER);
    context.header("Content-Type", "application/octet-stream");
    return context.body(bytes);
  });
}

/** A tile's bytes; `null` while the signed log does not hold all of it. */
function tileBytes(ledger: Ledger, tile: Tile): Uint8Array<ArrayBuffer> | null {
  const size = ledger.head()?.size ?? 0;
  const leavesBelow = tile.kind === "entries" ? 1 : 2 ** (8 * tile.level);
  if ((tile.index * 256 + tile.width) * leavesBelow > size) return null;
  if (tile.kind === "hashes") return tileHashes(ledger.tree, tile);
  return encodeEntries(ledger.data(tile.index * 256, tile.width));
}

import { cosignerOf, parseCosignerKey } from "../../../src/core/log/cosignature.ts";
import { addSignatures, type Head, openHead } from "../../../src/core/log/head.ts";
import { leafHash, MerkleTree } from "../../../src/core/proof/merkle.ts";
import { growthFrom } from "../../../src/core/proof/merkle-paths.ts";
import { checkpointText, parseVerifierKey, type Signer, signerOf } from "../../../src/core/proof/note.ts";
import { encodeEntries, type Tile, tileHashes } from "../../../src/core/proof/tiles.ts";

export const ORIGIN = "plumbline.test/log";
export const secret = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
export const signer = signerOf(ORIGIN, secret(1));
export const logKey = parseVerifierKey(signer.verifierKey);
export const witnesses = [11, 12, 13].map((fill, i) => cosignerOf(`witness.test/w${i + 1}`, secret(fill)));
export const witnessKeys = witnesses.map(({ verifierKey }) => parseCosignerKey(verifierKey));

/** A log in memory, whose entries follow from a name. */
export class SampleLog {
  readonly entries: Uint8Array[] = [];
  readonly tree = new MerkleTree();

  constructor(size: number, name = "log") {
    for (let i = 0; i < size; i++) this.add(new TextEncoder().encode(`${name} ${i}`));
  }

  add(entry: Uint8Array): void {
    this.entries.push(entry);
    this.tree.append(leafHash(entry));
  }

  text(size = this.tree.size, extensions: readonly string[] = []): string {
    return checkpointText({ origin: ORIGIN, size, root: this.tree.root(size), extensions });
  }

  note(size = this.tree.size, by: Signer = signer): string {
    return by.sign(this.text(size));
  }

  head(size = this.tree.size): Head {
    return openHead(this.note(size), [logKey]);
  }

  /** A note with signatures of witnesses below the log's. */
  cosigned(by: readonly (typeof witnesses)[number][], time = 1_700_000_000n): string {
    return addSignatures(
      this.note(),
      by.map((one) => one.cosign(this.text(), time)),
    );
  }

  path(first: number, second: number): Uint8Array[] {
    return growthFrom((level, index) => this.tree.node(level, index), { first, second });
  }

  /** The bytes of a file of the log. */
  bytes(tile: Tile): Uint8Array {
    if (tile.kind === "hashes") return tileHashes(this.tree, tile) ?? new Uint8Array();
    return encodeEntries(this.entries.slice(tile.index * 256, tile.index * 256 + tile.width));
  }
}

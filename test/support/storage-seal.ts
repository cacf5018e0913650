import { createEpochKeeper } from "../../server/epochs/keeper.ts";
import { type Ledger, openLedger } from "../../server/ledger/ledger.ts";
import { sealStep } from "../../server/ledger/sealer.ts";
import type { Store } from "../../server/store/database.ts";
import type { Hex } from "../../src/core/ids.ts";
import { type Checkpoint, parseCheckpoint, signerOf } from "../../src/core/proof/note.ts";

/** The log's key: one for all runs, so that what they sign can be compared. */
export const SIGNER = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));
export const CHAIN = "eip155:901";
const SECRET = new Uint8Array(32).fill(7);

/** Hashes of the chain's blocks, the first block's first; and who is told of each checkpoint before it is signed. */
export type Sealable = { hashes: readonly Hex[]; onSign(checkpoint: Checkpoint): void };

/** The server's log and sealer on a store, and nothing else of the server. */
export type Sealing = {
  ledger: Ledger;
  /** Seals what the store holds up to a block, which the chain calls final. */
  seal(upTo: number): Promise<void>;
};

/** Opens the log of a store to seal into it. */
export function openSealing(store: Store, { hashes, onSign }: Sealable): Sealing {
  const sign = (text: string) => {
    onSign(parseCheckpoint(text));
    return SIGNER.sign(text);
  };
  const ledger = openLedger(store, { signer: { ...SIGNER, sign } });
  const epochs = createEpochKeeper(store);
  const epochLeaves = async () => null;
  const hashAt = async (number: number) => hashes[number - 1] ?? null;
  return {
    ledger,
    async seal(upTo) {
      const node = { hashAt, finalized: async () => ({ number: upTo, hash: hashes[upTo - 1] as Hex }) };
      for (;;) {
        const result = await sealStep({
          ...{ chain: CHAIN, store, ledger, epochs, node, secret: SECRET },
          indexer: { epochLeaves },
        });
        if (result.type !== "sealed" || !result.more) return;
      }
    },
  };
}

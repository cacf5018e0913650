import type { Logger } from "pino";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { acceptCosignatures, encodeAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import { isNamedIn } from "../../src/core/log/cosignature.ts";
import type { LogHead } from "../../src/core/proof/anchor.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { parseNote, parseVerifierKey } from "../../src/core/proof/note.ts";
import { runLoop, type Turn } from "../feed/run.ts";
import type { Ledger, SignedHead } from "../ledger/ledger.ts";
import type { Store } from "../store/database.ts";
import { askWitness } from "./ask-witness.ts";
import { type Cosignatures, createCosignatures } from "./cosignatures.ts";
import type { AskedWitness, CosignerSettings } from "./settings.ts";

/** A witness as health tells it; numbers of leaves as decimal text. */
export type WitnessHealth = {
  witness: string;
  /** The largest head it has cosigned. */
  cosigned: string;
  /** Leaves in the last head that are not in that one. */
  behind: string;
  /** Why the last attempt failed; null when it did not. */
  error: string | null;
};

export type Gathering = {
  cosignatures: Cosignatures;
  /** Where witnesses are asked at all, the largest head that is cosigned, null before the first: others then wait for it. */
  preferred: { cosignedHead?: () => LogHead | null };
  health(): WitnessHealth[];
  stop(): Promise<void>;
};

const PAUSE_MS = 500;
const BACKOFF_MAX_MS = 60_000;

/**
 * Asks every witness for its cosignature under each new head, and keeps what holds. A witness that fails holds up nothing:
 * it is asked again, less and less often, and named in health until it does not.
 * @throws InputError when a witness has a key of the log.
 */
export function startGathering(
  { witnesses, quorum }: CosignerSettings,
  { store, ledger, log }: { store: Store; ledger: Ledger; log: Logger },
): Gathering {
  const own = ledger.verifierKeys.map(parseVerifierKey);
  const same = witnesses.find(({ key }) => own.some(({ publicKey }) => equalBytes(publicKey, key.publicKey)));
  if (same !== undefined) throw new InputError(`The witness ${same.key.name} has a key of this log.`);
  const cosignatures = createCosignatures(store, { keys: witnesses.map(({ keyText }) => keyText), quorum });
  const errors = new Map<string, string>();
  const loops = witnesses.map((witness) => {
    const turn = createTurn(witness, { ledger, cosignatures });
    return runLoop(
      async () => {
        const done = await turn();
        errors.delete(witness.keyText);
        return done;
      },
      {
        ...{ pauseMs: PAUSE_MS, maxBackoffMs: BACKOFF_MAX_MS },
        onError(error) {
          const sentence = error instanceof Error ? error.message : String(error);
          errors.set(witness.keyText, sentence);
          log.warn({ witness: witness.key.name, error: sentence }, "no cosignature; asking again");
        },
      },
    );
  });
  const cosignedHead = (): LogHead | null => {
    const size = cosignatures.newest(1)?.size;
    return size === undefined ? null : { size, root: ledger.tree.root(size) };
  };
  return {
    cosignatures,
    preferred: witnesses.length === 0 ? {} : { cosignedHead },
    health: () =>
      witnesses.map(({ key, keyText }) => {
        const cosigned = cosignatures.lastOf(keyText);
        const behind = Math.max(0, (ledger.head()?.size ?? 0) - cosigned);
        const error = errors.get(keyText) ?? null;
        return { witness: key.name, cosigned: String(cosigned), behind: String(behind), error };
      }),
    stop: async () => void (await Promise.all(loops.map((loop) => loop.stop()))),
  };
}

/** One question to a witness, where there is a head that it has not cosigned. */
function createTurn(
  { key, keyText, url }: AskedWitness,
  { ledger, cosignatures }: { ledger: Ledger; cosignatures: Cosignatures },
): Turn {
  /** The size that the witness knows, as far as we do. */
  let known = cosignatures.lastOf(keyText);
  let done = known;
  /** Whether it has named a size since it last cosigned; who names one after the other is not asked again at once. */
  let isCorrected = false;

  /** @throws ProviderError for a size that asking again with it will not help. */
  function takeUp(size: number, head: SignedHead): void {
    if (size > head.size) {
      ledger.laterHeadKnownBy({ who: `the witness ${key.name}`, size });
      throw new ProviderError(`It knows a head of ${size} leaves, and this log has ${head.size}.`);
    }
    if (size === known) throw new ProviderError(`It knows another head of ${size} leaves than this log has signed.`);
    const before = known;
    known = size;
    if (isCorrected) throw new ProviderError(`It says that it knows ${size} leaves, and before, ${before}.`);
    isCorrected = true;
  }

  return async () => {
    const head = ledger.head();
    if (head === null || head.size === done) return { more: false };
    const proof = known === 0 ? [] : ledger.tree.consistencyProof(known, head.size);
    const answer = await askWitness(url, encodeAddCheckpoint({ oldSize: known, proof, note: head.note }));
    if (answer.type === "conflict") {
      takeUp(answer.size, head);
      return { more: true };
    }
    cosignatures.add({ size: head.size, witness: keyText, line: lineIn(answer.body, { key, note: head.note }) });
    known = head.size;
    done = head.size;
    isCorrected = false;
    return { more: false };
  };
}

/** The witness's own line, which holds. @throws ProviderError when it is not there. */
function lineIn(body: string, { key, note }: Pick<AskedWitness, "key"> & { note: string }): string {
  const { text } = parseNote(note);
  try {
    const cosigned = acceptCosignatures(note, { body, cosigners: [key] });
    const line = cosigned.slice(note.length).split(/(?<=\n)/)[0] ?? "";
    if (line !== "" && isNamedIn(parseNote(`${text}\n${line}`), key)) return line;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  throw new ProviderError("It answered without a cosignature that holds.");
}

import { InputError } from "../../src/core/errors.ts";
import { quorumOf } from "../../src/core/log/cosignature.ts";
import type { Verifier } from "../../src/core/proof/note-key.ts";

/** A witness that is asked for cosignatures: its key, also as text, and where it takes requests. */
export type AskedWitness = { key: Verifier; keyText: string; url: string };

/** Whom the log asks, and under how many cosignatures a head counts as cosigned. */
export type CosignerSettings = { witnesses: readonly AskedWitness[]; quorum: number };

const MAX_WITNESSES = 32;

/**
 * Reads whom to ask, `PLUMBLINE_WITNESSES`: `<key> <url>`, separated by commas; and `PLUMBLINE_WITNESS_QUORUM`, how many
 * of them must have cosigned, one unless it is said.
 * @param origin the log's own name, in which no witness can speak.
 * @throws InputError naming what is wrong.
 */
export function readCosigners(env: Readonly<Record<string, string | undefined>>, origin: string): CosignerSettings {
  const { PLUMBLINE_WITNESSES: witnesses, PLUMBLINE_WITNESS_QUORUM: quorum } = env;
  const texts = (witnesses ?? "").split(",").map((text) => text.trim());
  const entries = texts.filter((text) => text !== "").map(readWitness);
  if (entries.length > MAX_WITNESSES) {
    throw new InputError(`PLUMBLINE_WITNESSES names ${entries.length} witnesses; expected ${MAX_WITNESSES} at most.`);
  }
  const own = entries.find(({ key }) => key.name === origin);
  if (own !== undefined) throw new InputError(`PLUMBLINE_WITNESSES names ${origin}; a log is no witness of itself.`);
  if (quorum !== undefined && !/^[1-9]\d?$/.test(quorum)) {
    throw new InputError(`PLUMBLINE_WITNESS_QUORUM is "${quorum}"; expected a number of witnesses from 1 on.`);
  }
  const { threshold } = quorumOf(
    entries.map(({ keyText }) => keyText),
    quorum === undefined ? Math.min(1, entries.length) : Number(quorum),
  );
  return { witnesses: entries, quorum: threshold };
}

function readWitness(text: string): AskedWitness {
  const [keyText, url, ...more] = text.split(/\s+/) as [string, string | undefined];
  if (url === undefined || more.length > 0 || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new InputError(
      `PLUMBLINE_WITNESSES has "${text}"; expected a witness's key and its URL, like w.example+0123abcd+… https://w.example.`,
    );
  }
  const { cosigners } = quorumOf([keyText], 0);
  return { key: cosigners[0] as Verifier, keyText, url: url.replace(/\/+$/, "") };
}

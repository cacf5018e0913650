import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createCosignatures } from "../../../server/cosigners/cosignatures.ts";
import { factEntry } from "../../../server/ledger/entry.ts";
import { openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { cosignerOf } from "../../../src/core/log/cosignature.ts";
import { readHeadNote } from "../../../src/core/log/head-note.ts";
import { parseNote } from "../../../src/core/proof/note.ts";
import { SIGNER } from "../proof/sample.ts";

const SIZES = [1, 2, 3, 4, 5, 6, 7, 8];
const WITNESSES = [1, 2, 3, 4].map((fill) => cosignerOf(`${fill}.example/w`, new Uint8Array(32).fill(fill)));
const KEYS = WITNESSES.map(({ verifierKey }) => verifierKey);
const NOBODY = { keys: [], quorum: 0 };

let folder: string;
let store: Store;
/** The line of every witness below every head, by size. */
const lines = new Map<number, string[]>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-cosignatures-"));
  store = openStore(folder);
  const ledger = openLedger(store, { signer: SIGNER });
  for (const size of SIZES) {
    store.transaction(() => ledger.append([factEntry(`${size}`.padStart(64, "f"))]));
    ledger.publish();
    const { text } = parseNote(ledger.head()?.note ?? "");
    lines.set(
      size,
      WITNESSES.map((witness) => witness.cosign(text, 1n)),
    );
  }
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => store.connection.exec("DELETE FROM cosignature"));

/** Lets witnesses, by their place, cosign the head of a size. */
function cosign(size: number, places: readonly number[]): void {
  const cosignatures = createCosignatures(store, NOBODY);
  for (const place of places) {
    cosignatures.add({ size, witness: KEYS[place] as string, line: lines.get(size)?.[place] as string });
  }
}

const counting = (places: readonly number[], quorum: number) =>
  createCosignatures(store, { keys: places.map((place) => KEYS[place] as string), quorum });

describe("a head counts as cosigned", () => {
  test("under those who count, and not under others", () => {
    cosign(3, [0, 1]);
    cosign(5, [0, 2]);
    cosign(7, [0]);
    expect(counting([0, 1], 1).newest(1)?.size).toBe(7);
    expect(counting([0, 1], 2).newest(1)?.size).toBe(3);
    expect(counting([0, 2], 2).newest(1)?.size).toBe(5);
    expect(
      counting([1, 2], 1)
        .list({ after: 0, limit: 9 })
        .map(({ size }) => size),
    ).toEqual([3, 5]);
    expect(counting([1, 2], 2).newest(1)).toBeNull();
    expect(counting([1], 1).isCosigned(5)).toBe(false);
    expect(createCosignatures(store, NOBODY).isCosigned(5)).toBe(false);
  });

  test("with the lines of those too who no longer count", () => {
    cosign(3, [0, 1]);
    const note = counting([1], 1).newest(1)?.note ?? "";
    expect(readHeadNote(note).note.signatures.map(({ name }) => name)).toEqual([
      SIGNER.name,
      ...["1.example/w", "2.example/w"],
    ]);
  });

  test("as counting one head after the other says, whoever cosigned which", () => {
    const anybody = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });
    const cosigned = fc.array(anybody, { minLength: SIZES.length, maxLength: SIZES.length });
    const asked = fc.record({ after: fc.integer({ min: 0, max: 9 }), limit: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(cosigned, anybody, fc.integer({ min: 1, max: 4 }), asked, (by, counted, quorum, { after, limit }) => {
        store.transaction(() => {
          store.connection.exec("DELETE FROM cosignature");
          for (const [i, places] of by.entries()) cosign(SIZES[i] as number, places);
        });
        const expected = SIZES.filter((_, i) => counted.filter((one) => by[i]?.includes(one)).length >= quorum);
        const cosignatures = counting(counted, quorum);
        expect(SIZES.filter(cosignatures.isCosigned)).toEqual(expected);
        expect(cosignatures.newest(after)?.size).toBe(expected.filter((size) => size >= after).at(-1));
        const list = cosignatures.list({ after, limit }).map(({ size }) => size);
        expect(list).toEqual(expected.filter((size) => size > after).slice(0, limit));
      }),
      { seed: 20_261_122, numRuns: 100 },
    );
  });
});

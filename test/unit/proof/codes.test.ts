import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { fromBase64, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import {
  CODE_LIMITS,
  type CodeDifference,
  type Codes,
  checkCodes,
  packCodes,
  unpackCodes,
} from "../../../src/core/proof/codes.ts";
import { packBytes } from "../../../src/core/proof/packing.ts";

const byHash = (codes: readonly Uint8Array[]) => new Map(codes.map((code) => [toHex(keccak256(code)), code] as const));

/** Code of a factory: the same bytes, with a token's address in two places. */
function pool(token: number): Uint8Array {
  const code = Uint8Array.from({ length: 600 }, (_, i) => (i * 7) & 0xff);
  for (const at of [100, 400]) code.fill(token, at, at + 20);
  return code;
}

const pools = byHash([pool(1), pool(2), pool(3)]);
const packed = packCodes(pools);
const [whole, second, third] = Object.keys(packed) as [Hex, Hex, Hex];

// biome-ignore lint/suspicious/noExplicitAny: a test changes what is read-only elsewhere.
type Loose = any;

/** The packed pools with one of them changed. */
function changed(change: (runs: { at: string; bytes: string }[], codes: Loose) => void): Codes {
  const copy: Loose = structuredClone(packed);
  change(copy[third].runs, copy);
  return copy;
}

describe("codes of one length", () => {
  it("are held as what differs from the first of them", () => {
    expect(typeof packed[whole]).toBe("string");
    for (const hash of [second, third]) {
      const { like, runs } = packed[hash] as CodeDifference;
      expect(like).toBe(whole);
      expect(runs.map(({ at }) => at)).toEqual(["100", "400"]);
      expect(runs.map(({ bytes }) => fromBase64(bytes).length)).toEqual([20, 20]);
    }
    expect(unpackCodes(packed)).toEqual(pools);
  });

  it("are held whole where they have nothing in common", () => {
    const codes = byHash([new Uint8Array(300).fill(1), Uint8Array.from({ length: 300 }, (_, i) => i & 0xff)]);
    expect(Object.values(packCodes(codes)).map((held) => typeof held)).toEqual(["string", "string"]);
  });

  it("come back as they were, whatever they are, and in whatever order", () => {
    const near = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.array(fc.tuple(fc.nat(79), fc.nat(255))));
    fc.assert(
      fc.property(
        fc.array(near, { minLength: 1, maxLength: 6 }),
        fc.uint8Array({ maxLength: 80 }),
        (variants, base) => {
          const codes = variants.map(([own, changes]) => {
            const code = Uint8Array.from(base.length > 0 ? base : own);
            for (const [at, byte] of changes) if (at < code.length) code[at] = byte;
            return code;
          });
          const map = byHash(codes);
          const form = packCodes(map);
          checkCodes(form);
          expect(unpackCodes(form)).toEqual(map);
          expect(packCodes(new Map([...map].reverse()))).toEqual(form);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("codes", () => {
  it("are not more than can be read in time, however few bytes stand for them", () => {
    const many = byHash(Array.from({ length: 9 }, (_, i) => new Uint8Array(CODE_LIMITS.bytes).fill(i)));
    const form = packCodes(many);
    expect(JSON.stringify(form).length).toBeLessThan(100_000);
    expect(() => checkCodes(form)).toThrow(/more than 1048576 bytes/);
    expect(() => checkCodes(packCodes(byHash([...many.values()].slice(1))))).not.toThrow();
    const long = byHash([new Uint8Array(CODE_LIMITS.bytes + 1)]);
    expect(() => checkCodes(packCodes(long))).toThrow(InputError);
  });
});

describe("a difference is refused", () => {
  it.each<[string, RegExp, Codes]>([
    ["that is not minimal", /one form/, changed((runs) => widen(runs[0] as Loose))],
    ["that is cut in two", /one form/, changed((runs) => split(runs))],
    ["that is out of order", /one form/, changed((runs) => runs.reverse())],
    ["whose runs are there twice", /one form/, changed((runs) => runs.push(runs[1] as Loose))],
    [
      "of another length",
      /beyond its end/,
      changed((runs) => runs.push({ at: "599", bytes: toBase64(new Uint8Array(2)) })),
    ],
    ["that makes other code", /has the hash/, changed((runs) => runs.pop())],
    [
      "from code that is not there",
      /not there whole/,
      changed((_, codes) => (codes[third].like = `0x${"12".repeat(32)}`)),
    ],
    ["from another difference", /not there whole/, changed((_, codes) => (codes[third].like = second))],
    [
      "where the code is held whole",
      /one form/,
      changed((_, codes) => (codes[third] = toBase64(packBytes(pools.get(third) as Loose)))),
    ],
    ["from other code than the first", /one form/, fromSecond()],
  ])("%s", (_, fault, codes) => {
    expect(() => checkCodes(codes)).toThrow(InputError);
    expect(() => checkCodes(codes)).toThrow(fault);
  });
});

function widen(run: { at: string; bytes: string }): void {
  const before = pools.get(whole)?.[Number(run.at) - 1] as number;
  run.at = String(Number(run.at) - 1);
  run.bytes = toBase64(Uint8Array.of(before, ...fromBase64(run.bytes)));
}

function split(runs: { at: string; bytes: string }[]): void {
  const bytes = fromBase64(runs[0]?.bytes as string);
  const at = Number(runs[0]?.at);
  const halves = [0, 10].map((from) => ({ at: String(at + from), bytes: toBase64(bytes.slice(from, from + 10)) }));
  runs.splice(0, 1, ...halves);
}

/** The second held whole, and the others as what differs from it. */
function fromSecond(): Codes {
  const base = pools.get(second) as Uint8Array;
  const form: Record<Hex, string | CodeDifference> = { [second]: toBase64(packBytes(base)) };
  for (const hash of [whole, third]) {
    const code = pools.get(hash) as Uint8Array;
    const runs = [100, 400].map((at) => ({ at: String(at), bytes: toBase64(code.slice(at, at + 20)) }));
    form[hash] = { like: second, runs };
  }
  return form;
}

import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import {
  EMPTY_CODE,
  parseWitness,
  readWitness,
  WITNESS_LIMITS,
  type Witness,
  witnessBytes,
} from "../../../src/core/proof/witness.ts";
import recorded from "./witness.fixture.json" with { type: "json" };

const witness = recorded.witness as unknown as Witness;

// biome-ignore lint/suspicious/noExplicitAny: what is tested is what the types do not allow.
type Loose = any;

/** A copy of the recorded witness that a test may spoil. */
const spoil = (change: (copy: Loose) => void): Json => {
  const copy = structuredClone(witness);
  change(copy);
  return copy as unknown as Json;
};

describe("the form of a witness", () => {
  it("is one byte string, and is read back as it was written", () => {
    const bytes = witnessBytes(witness);
    expect(parseWitness(bytes)).toEqual(witness);
    expect(witnessBytes(parseWitness(bytes))).toEqual(bytes);
  });

  const [code] = Object.keys(witness.codes) as [string];
  it.each<[string, (w: Loose) => void]>([
    ["another version", (w) => (w.version = "plumbline-witness/1")],
    ["an unknown part", (w) => (w.note = "")],
    ["an unknown part of an account", (w) => (w.accounts[0].note = "")],
    ["no header", (w) => delete w.header],
    ["an empty header", (w) => (w.header = "0x")],
    ["upper-case hex", (w) => (w.header = w.header.toUpperCase().replace("X", "x"))],
    ["half a byte", (w) => (w.header = w.header.slice(0, -1))],
    ["no accounts", (w) => (w.accounts = [])],
    ["accounts out of order", (w) => w.accounts.reverse()],
    ["an account twice", (w) => w.accounts.splice(1, 0, w.accounts[0])],
    ["slots out of order", (w) => longest(w).slots.reverse()],
    ["a slot twice", (w) => longest(w).slots.unshift(longest(w).slots[0])],
    ["a short address", (w) => (w.accounts[0].address = "0x12")],
    ["a short slot", (w) => (longest(w).slots[0].key = "0x00")],
    ["a value with leading zeros", (w) => (w.accounts[0].nonce = "00")],
    ["a negative balance", (w) => (w.accounts[0].balance = "-1")],
    ["code under another hash", (w) => (w.codes[code] = "AP4=")],
    ["code under no hash", (w) => (w.codes.one = w.codes[code])],
    ["code that is no base64", (w) => (w.codes[code] = `0x${w.codes[code]}`)],
    ["no code under a hash", (w) => (w.codes[EMPTY_CODE] = "")],
    ["code in another form of base64", (w) => (w.codes[keccakOf(0xfe)] = "AP5=")],
    ["code that is not packed", (w) => (w.codes[keccakOf(0xfe)] = "/g==")],
    ["nodes out of order", (w) => w.nodes.reverse()],
    ["a node twice", (w) => w.nodes.unshift(w.nodes[0])],
    ["an empty node", (w) => w.nodes.unshift("")],
    ["a node that is too long", (w) => w.nodes.push("z".repeat(2 * WITNESS_LIMITS.nodeBytes))],
    ["more slots than there may be", (w) => flood(longest(w), WITNESS_LIMITS.slots + 1)],
    ["more slots of all accounts", (w) => [0, 1].map((at) => flood(w.accounts[at], WITNESS_LIMITS.slots / 2 + 1))],
  ])("has no room for %s", (_, change) => {
    expect(() => readWitness(spoil(change))).toThrow(InputError);
  });

  it("is not read from bytes that are another form of the same", () => {
    const text = new TextDecoder().decode(witnessBytes(witness));
    for (const other of [` ${text}`, text.replace(":", ": "), JSON.stringify(witness)]) {
      expect(() => parseWitness(new TextEncoder().encode(other))).toThrow(InputError);
    }
    expect(() => parseWitness(canonicalBytes([]))).toThrow(InputError);
    expect(() => parseWitness(new Uint8Array())).toThrow(InputError);
  });
});

const keccakOf = (byte: number) => toHex(keccak256(Uint8Array.of(byte)));

function longest({ accounts }: Loose): Loose {
  return accounts.toSorted((a: Loose, b: Loose) => b.slots.length - a.slots.length)[0];
}

function flood(account: Loose, length: number): void {
  const word = (n: number) => `0x${n.toString(16).padStart(64, "0")}`;
  account.slots = Array.from({ length }, (_, i) => {
    return { key: word(i), value: word(0) };
  });
}

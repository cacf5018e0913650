import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import {
  type AccountProof,
  decodeAccount,
  decodeSlot,
  readAccount,
  readSlot,
  verifyAccountProof,
} from "../../../../src/core/proof/chain/account.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../../../src/core/proof/chain/node-set.ts";
import { encodeInteger, encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";
import { EMPTY_TRIE_ROOT } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie } from "../../../../src/core/proof/chain/trie-build.ts";

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const filled = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
const CODE_HASH = keccak256(Uint8Array.of(0x60));

const slotOf = (i: number): Uint8Array => {
  const slot = new Uint8Array(32);
  slot[31] = i;
  return slot;
};
const addressOf = (i: number): Uint8Array => filled(20, i);

/** Slot i of this contract holds 10^i. */
const STORAGE = buildTrie(
  Array.from({ length: 20 }, (_, i) => ({
    key: keccak256(slotOf(i)),
    value: encodeRlp(encodeInteger(10n ** BigInt(i))),
  })),
);
const accountRlp = (i: number, storageRoot: Uint8Array): Uint8Array =>
  encodeRlp([encodeInteger(i), encodeInteger(10n ** 18n * BigInt(i)), storageRoot, CODE_HASH]);
/** Account 7 is the contract; the others have no storage. */
const STATE = buildTrie(
  Array.from({ length: 30 }, (_, i) => ({
    key: keccak256(addressOf(i)),
    value: accountRlp(i, i === 7 ? STORAGE.root : EMPTY_TRIE_ROOT),
  })),
);

const proofOf = (account: number, slots: number[]): AccountProof => ({
  stateRoot: STATE.root,
  address: addressOf(account),
  accountProof: STATE.prove(keccak256(addressOf(account))),
  slots: slots.map((i) => ({ slot: slotOf(i), proof: account === 7 ? STORAGE.prove(keccak256(slotOf(i))) : [] })),
});
const CONTRACT = { nonce: 7n, balance: 7n * 10n ** 18n, storageRoot: STORAGE.root, codeHash: CODE_HASH };

describe("an account proof", () => {
  it("shows the account and its slots, those that are not set as zero", () => {
    expect(verifyAccountProof(proofOf(7, [3, 19, 20, 0]))).toEqual({
      account: CONTRACT,
      values: [1000n, 10n ** 19n, 0n, 1n],
    });
  });

  it("shows that an account does not exist, and that its slots are zero", () => {
    expect(verifyAccountProof(proofOf(99, [1]))).toEqual({ account: null, values: [0n] });
    const slots = [{ slot: slotOf(1), proof: STORAGE.prove(keccak256(slotOf(1))) }];
    expect(() => verifyAccountProof({ ...proofOf(99, []), slots })).toThrow(InputError);
  });

  it("shows that an account without storage has only zeros", () => {
    expect(verifyAccountProof(proofOf(8, [1])).values).toEqual([0n]);
    const slots = [{ slot: slotOf(1), proof: STORAGE.prove(keccak256(slotOf(1))) }];
    expect(() => verifyAccountProof({ ...proofOf(8, []), slots })).toThrow(InputError);
  });

  const good = proofOf(7, [3, 4]);
  const [third, fourth] = good.slots as [AccountProof["slots"][number], AccountProof["slots"][number]];
  it.each<[string, AccountProof]>([
    ["another state root", { ...good, stateRoot: filled(32) }],
    ["another account's proof", { ...good, accountProof: proofOf(8, []).accountProof }],
    ["another account", { ...good, address: addressOf(8) }],
    ["no account proof", { ...good, accountProof: [] }],
    ["a node too many", { ...good, accountProof: [...good.accountProof, filled(40)] }],
    ["another slot's proof", { ...good, slots: [third, { ...fourth, proof: third.proof }] }],
    ["an empty slot proof", { ...good, slots: [third, { ...fourth, proof: [] }] }],
    ["a slot proof cut off", { ...good, slots: [{ ...third, proof: third.proof.slice(0, -1) }] }],
    ["a slot that comes twice", { ...good, slots: [third, fourth, third] }],
    ["an address of 32 bytes", { ...good, address: filled(32, 7) }],
    ["a slot without padding", { ...good, slots: [{ slot: Uint8Array.of(3), proof: third.proof }] }],
  ])("is refused with %s", (_, proof) => {
    expect(verifyAccountProof(good).values).toEqual([1000n, 10_000n]);
    expect(() => verifyAccountProof(proof)).toThrow(InputError);
  });

  it("is refused for what is no address or slot, even if the trie has such a key", () => {
    const [address, slot] = [filled(32), Uint8Array.of(3)];
    const storage = buildTrie([{ key: keccak256(slot), value: encodeRlp(encodeInteger(1)) }]);
    const state = buildTrie(
      [address, addressOf(7)].map((owner) => ({ key: keccak256(owner), value: accountRlp(1, storage.root) })),
    );
    const proof = (owner: Uint8Array): AccountProof => ({
      stateRoot: state.root,
      address: owner,
      accountProof: state.prove(keccak256(owner)),
      slots: [],
    });
    expect(verifyAccountProof(proof(addressOf(7))).account?.nonce).toBe(1n);
    expect(() => verifyAccountProof(proof(address))).toThrow(InputError);
    const slots = [{ slot, proof: storage.prove(keccak256(slot)) }];
    expect(() => verifyAccountProof({ ...proof(addressOf(7)), slots })).toThrow(InputError);
  });

  it("says which slot it is about", () => {
    const proof = { ...good, slots: [third, { ...fourth, proof: [] }] };
    expect(() => verifyAccountProof(proof)).toThrow(hex(fourth.slot));
  });
});

describe("accounts over a set of nodes", () => {
  it("share the nodes of their proofs", () => {
    const proofs = [proofOf(7, [3, 4]), proofOf(8, [])];
    const raw = proofs.flatMap(({ accountProof, slots }) => [...accountProof, ...slots.flatMap(({ proof }) => proof)]);
    const set = new NodeSet(new Map(raw.map((node) => [hex(node), node])).values());
    const account = readAccount(STATE.root, { address: addressOf(7), nodeOf: set.read });
    expect(account).toEqual(CONTRACT);
    expect(readSlot(STORAGE.root, { slot: slotOf(3), nodeOf: set.read })).toBe(1000n);
    expect(() => set.requireAllUsed()).toThrow(InputError);
    expect(readSlot(STORAGE.root, { slot: slotOf(4), nodeOf: set.read })).toBe(10_000n);
    expect(readAccount(STATE.root, { address: addressOf(8), nodeOf: set.read })?.nonce).toBe(8n);
    set.requireAllUsed();
  });

  it("are null and zero when they are proven absent, and refused when the nodes do not say", () => {
    const [state, storage] = [
      new NodeSet(proofOf(99, []).accountProof),
      new NodeSet(STORAGE.prove(keccak256(slotOf(99)))),
    ];
    expect(readAccount(STATE.root, { address: addressOf(99), nodeOf: state.read })).toBeNull();
    expect(readSlot(STORAGE.root, { slot: slotOf(99), nodeOf: storage.read })).toBe(0n);
    const nodeOf = new NodeSet([]).read;
    expect(() => readAccount(STATE.root, { address: addressOf(7), nodeOf })).toThrow(InputError);
    expect(() => readSlot(STORAGE.root, { slot: slotOf(3), nodeOf })).toThrow(InputError);
  });
});

describe("leaves of the state", () => {
  const fields: Rlp[] = [encodeInteger(1), encodeInteger(2), EMPTY_TRIE_ROOT, CODE_HASH];
  const withField = (at: number, field: Rlp): Uint8Array => encodeRlp(fields.map((old, i) => (i === at ? field : old)));

  it.each<[string, Uint8Array]>([
    ["three fields", encodeRlp(fields.slice(0, 3))],
    ["five fields", encodeRlp([...fields, Uint8Array.of(1)])],
    ["no list", encodeRlp(filled(70))],
    ["a nonce of nine bytes", withField(0, filled(9))],
    ["a nonce with a leading zero", withField(0, Uint8Array.of(0))],
    ["a balance of 33 bytes", withField(1, filled(33))],
    ["a storage root of 31 bytes", withField(2, filled(31))],
    ["a code hash of no bytes", withField(3, new Uint8Array())],
    ["a byte behind", Uint8Array.from([...encodeRlp(fields), 0])],
  ])("are no accounts with %s", (_, value) => {
    expect(decodeAccount(encodeRlp(fields))).toEqual({
      nonce: 1n,
      balance: 2n,
      storageRoot: EMPTY_TRIE_ROOT,
      codeHash: CODE_HASH,
    });
    expect(() => decodeAccount(value)).toThrow(InputError);
  });

  it.each<[string, Uint8Array]>([
    ["a leading zero", encodeRlp(Uint8Array.of(0, 1))],
    ["33 bytes", encodeRlp(filled(33))],
    ["a list", encodeRlp([Uint8Array.of(1)])],
    ["nothing", new Uint8Array()],
  ])("are no slots with %s", (_, value) => {
    expect(decodeSlot(encodeRlp(filled(32, 0xff)))).toBe(2n ** 256n - 1n);
    expect(() => decodeSlot(value)).toThrow(InputError);
  });

  it("can be slots of zero, as anvil keeps them", () => {
    expect(decodeSlot(encodeRlp(new Uint8Array()))).toBe(0n);
  });
});

/**
 * Accounts and storage slots, proven against a header's state root. What a node says of them beside the proof is not
 * looked at: everything is read from the leaves.
 * @see https://eips.ethereum.org/EIPS/eip-1186
 */
import { InputError } from "../../errors.ts";
import { toHex } from "../bytes.ts";
import { KECCAK_BYTES, keccak256 } from "./keccak.ts";
import { asFixed, asInteger, asList, decodeRlp } from "./rlp.ts";
import { EMPTY_TRIE_ROOT, type NodeReader, named, readTrie, verifyTrieProof } from "./trie.ts";

/** An account as the state trie holds it; amounts in wei. */
export type Account = { nonce: bigint; balance: bigint; storageRoot: Uint8Array; codeHash: Uint8Array };

const FIELDS = 4;
const ADDRESS_BYTES = 20;
const WORD_BYTES = 32;
const NONCE = { name: "account's nonce", bytes: 8 };
const BALANCE = { name: "account's balance", bytes: WORD_BYTES };
const SLOT_VALUE = { name: "storage slot's value", bytes: WORD_BYTES };

/** An account from its leaf's value. @throws InputError when it is none. */
export function decodeAccount(value: Uint8Array): Account {
  const fields = asList(decodeRlp(value), "account");
  if (fields.length !== FIELDS) throw new InputError(`An account has ${fields.length} fields, not ${FIELDS}.`);
  return {
    nonce: asInteger(fields[0], NONCE),
    balance: asInteger(fields[1], BALANCE),
    storageRoot: asFixed(fields[2], { name: "account's storage root", bytes: KECCAK_BYTES }),
    codeHash: asFixed(fields[3], { name: "account's code hash", bytes: KECCAK_BYTES }),
  };
}

/**
 * A slot's value from its leaf's. A slot that is zero should have no leaf, but anvil leaves one behind when a slot becomes
 * zero; the state root commits to it, and it says nothing else. @throws InputError when it is no value.
 */
export function decodeSlot(value: Uint8Array): bigint {
  return asInteger(decodeRlp(value), SLOT_VALUE);
}

/**
 * The account at an address, or null when there is none, over a set of nodes shared with other keys.
 * @param address 20 bytes. @throws InputError when the nodes do not show it.
 */
export function readAccount(
  stateRoot: Uint8Array,
  { address, nodeOf }: { address: Uint8Array; nodeOf: NodeReader },
): Account | null {
  const value = readTrie({ root: stateRoot, key: addressKey(address), nodeOf });
  return value === null ? null : decodeAccount(value);
}

/**
 * The value of a storage slot, over a set of nodes shared with other keys. A slot that is proven absent is zero.
 * @param slot 32 bytes. @throws InputError when the nodes do not show it.
 */
export function readSlot(storageRoot: Uint8Array, { slot, nodeOf }: { slot: Uint8Array; nodeOf: NodeReader }): bigint {
  const value = readTrie({ root: storageRoot, key: slotKey(slot), nodeOf });
  return value === null ? 0n : decodeSlot(value);
}

/** A claim about one account and some of its slots, with the nodes of each proof from its root down. */
export type AccountProof = {
  stateRoot: Uint8Array;
  /** 20 bytes. */
  address: Uint8Array;
  accountProof: readonly Uint8Array[];
  /** Slots of 32 bytes; those of an account that does not exist, or has no storage, are shown by empty proofs. */
  slots: readonly { slot: Uint8Array; proof: readonly Uint8Array[] }[];
};

/**
 * What an EIP-1186 proof shows: the account, null when there is none, and the values of the slots in their order.
 * @throws InputError when a proof fails, naming the account or slot, or when a slot comes twice.
 */
export function verifyAccountProof({ stateRoot, address, accountProof, slots }: AccountProof): {
  account: Account | null;
  values: bigint[];
} {
  const account = named(`account ${toHex(address)}`, () => {
    const value = verifyTrieProof({ root: stateRoot, key: addressKey(address), proof: accountProof });
    return value === null ? null : decodeAccount(value);
  });
  const root = account === null ? EMPTY_TRIE_ROOT : account.storageRoot;
  const seen = new Set<string>();
  const values = slots.map(({ slot, proof }) => {
    const name = `slot ${toHex(slot)} of ${toHex(address)}`;
    if (seen.has(name)) throw new InputError(`The ${name} comes twice.`);
    seen.add(name);
    return named(name, () => {
      const value = verifyTrieProof({ root, key: slotKey(slot), proof });
      return value === null ? 0n : decodeSlot(value);
    });
  });
  return { account, values };
}

function addressKey(address: Uint8Array): Uint8Array {
  if (address.length !== ADDRESS_BYTES) throw new InputError(`An address has 20 bytes, not ${address.length}.`);
  return keccak256(address);
}

function slotKey(slot: Uint8Array): Uint8Array {
  if (slot.length !== WORD_BYTES) throw new InputError(`A storage slot has 32 bytes, not ${slot.length}.`);
  return keccak256(slot);
}

import { InputError, InvariantError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { isCall, type Request } from "../../src/core/proof/ask.ts";
import { fromHex, toBase64, toHex } from "../../src/core/proof/bytes.ts";
import { type Account, verifyAccountProof } from "../../src/core/proof/chain/account.ts";
import { keccak256 } from "../../src/core/proof/chain/keccak.ts";
import { normalProof } from "../../src/core/proof/chain/trie.ts";
import { packCodes } from "../../src/core/proof/codes.ts";
import type { StateReader, Touched } from "../../src/core/proof/read-only-state.ts";
import {
  EMPTY_CODE,
  EMPTY_TRIE,
  WITNESS_LIMITS,
  WITNESS_VERSION,
  type Witness,
  type WitnessAccount,
} from "../../src/core/proof/witness.ts";
import { inTurn, type WitnessNode } from "./node.ts";

const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;

type Place = { number: number; stateRoot: Uint8Array };

/** An account with the nodes that prove it, and its slots with theirs. */
type FetchedAccount = {
  account: Account | null;
  proof: readonly Uint8Array[];
  slots: Map<Hex, { value: Hex; proof: readonly Uint8Array[] }>;
};

/**
 * A block's state as far as a node has been asked for it. Invariant: what is kept has been proven against the state root,
 * and code against its account's hash.
 */
export class FetchedState implements StateReader {
  readonly #node: WitnessNode;
  readonly #place: Place;
  readonly #accounts = new Map<Hex, FetchedAccount>();
  readonly #codes = new Map<Hex, Uint8Array>();
  #slots = 0;

  constructor(node: WitnessNode, place: Place) {
    this.#node = node;
    this.#place = place;
  }

  /** Fetches the slots asked for, and what the node says the calls will touch. */
  async warm(requests: readonly Request[]): Promise<void> {
    const wanted = new Map<Hex, Set<Hex>>();
    const want = (address: Hex, slots: readonly Hex[]) => {
      const known = wanted.get(address) ?? new Set();
      for (const key of slots) known.add(key);
      wanted.set(address, known);
    };
    const calls = requests.filter(isCall);
    for (const request of requests) if (!isCall(request)) want(request.account, [request.slot]);
    // Calls come from the zero address, which the EVM looks up and no access list names.
    if (calls.length > 0) want(ZERO_ADDRESS, []);
    const run = new Set(calls.map(({ to }) => to));
    await inTurn(calls, async (call) => {
      want(call.to, []);
      for (const { address, storageKeys } of (await this.#node.accessList(call, this.#place.number)) ?? []) {
        want(address, storageKeys);
        run.add(address);
      }
    });
    await inTurn([...wanted], async ([address, slots]) => {
      const known = this.#accounts.get(address)?.slots;
      const missing = [...slots].filter((key) => !known?.has(key));
      if (known === undefined || missing.length > 0) await this.#fetch(address, missing);
      if (run.has(address)) await this.code(address);
    });
  }

  async account(address: Hex) {
    const { account } = await this.#at(address);
    if (account === null) return null;
    const { nonce, balance, storageRoot, codeHash } = account;
    return { nonce, balance, storageHash: toHex(storageRoot), codeHash: toHex(codeHash) };
  }

  async slot(address: Hex, key: Hex): Promise<Hex> {
    const slot = (await this.#at(address)).slots.get(key) ?? (await this.#fetch(address, [key])).slots.get(key);
    if (slot === undefined) throw new InvariantError(`Slot ${key} of ${address} was fetched and is not there.`);
    return slot.value;
  }

  async code(address: Hex): Promise<Uint8Array> {
    const { account } = await this.#at(address);
    const hash = account === null ? EMPTY_CODE : toHex(account.codeHash);
    if (hash === EMPTY_CODE) return new Uint8Array();
    const known = this.#codes.get(hash);
    if (known !== undefined) return known;
    const code = fromHex(await this.#node.code(address, this.#place.number));
    const is = toHex(keccak256(code));
    if (is !== hash) {
      throw new ProviderError(`The node gives code ${is} for ${address}, whose code is ${hash} in the state.`);
    }
    this.#codes.set(hash, code);
    return code;
  }

  /** The witness of what calls have touched, and nothing else. */
  witness(header: Uint8Array, touched: Touched): Witness {
    const accounts: WitnessAccount[] = [];
    const codes = new Map<Hex, Uint8Array>();
    const nodes = new Set<string>();
    const keep = (proof: readonly Uint8Array[]) => {
      for (const raw of proof) nodes.add(toBase64(raw));
    };
    for (const [address, use] of [...touched].sort(byKey)) {
      const { account, proof, slots } = this.#kept(address);
      const codeHash = account === null ? EMPTY_CODE : toHex(account.codeHash);
      const code = this.#codes.get(codeHash);
      if (use.code && code !== undefined) codes.set(codeHash, code);
      keep(proof);
      const used = [...slots].filter(([key]) => use.slots.has(key)).sort(byKey);
      for (const [, slot] of used) keep(slot.proof);
      accounts.push({
        address,
        nonce: (account?.nonce ?? 0n).toString(),
        balance: (account?.balance ?? 0n).toString(),
        storageHash: account === null ? EMPTY_TRIE : toHex(account.storageRoot),
        codeHash,
        slots: used.map(([key, { value }]) => ({ key, value })),
      });
    }
    return {
      version: WITNESS_VERSION,
      header: toHex(header),
      accounts,
      codes: packCodes(codes),
      nodes: [...nodes].sort(),
    };
  }

  async #at(address: Hex): Promise<FetchedAccount> {
    return this.#accounts.get(address) ?? (await this.#fetch(address, []));
  }

  #kept(address: Hex): FetchedAccount {
    const found = this.#accounts.get(address);
    if (found === undefined) throw new InvariantError(`A call touched ${address} without its being fetched.`);
    return found;
  }

  /** Fetches an account with slots, and proves them. */
  async #fetch(address: Hex, slots: readonly Hex[]): Promise<FetchedAccount> {
    const { number, stateRoot } = this.#place;
    this.#slots += slots.length;
    if (this.#accounts.size >= WITNESS_LIMITS.accounts || this.#slots > WITNESS_LIMITS.slots) {
      throw new InputError(`The calls read more accounts or slots than a witness may have.`);
    }
    const said = await this.#node.proof(address, { slots, number });
    const proofs = new Map(said.slots.map(({ key, proof }) => [key, normalProof(proof.map(fromHex))]));
    const proof = normalProof(said.accountProof.map(fromHex));
    const claim = slots.map((key) => ({ slot: fromHex(key), proof: proofs.get(key) ?? [] }));
    const { account, values } = provenOf(this.#node.chainId, () =>
      verifyAccountProof({ stateRoot, address: fromHex(address), accountProof: proof, slots: claim }),
    );
    const kept = this.#accounts.get(address) ?? { account, proof, slots: new Map() };
    this.#accounts.set(address, kept);
    slots.forEach((key, i) => {
      const value: Hex = `0x${(values[i] ?? 0n).toString(16).padStart(64, "0")}`;
      kept.slots.set(key, { value, proof: proofs.get(key) ?? [] });
    });
    return kept;
  }
}

/** A proof that fails is the node's fault: what it was asked for exists in every state, if only as nothing. */
function provenOf<T>(chainId: number, verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ProviderError(`The node of chain ${chainId} gives a proof that does not hold. ${error.message}`);
  }
}

function byKey([a]: readonly [Hex, unknown], [b]: readonly [Hex, unknown]): number {
  return a < b ? -1 : 1;
}

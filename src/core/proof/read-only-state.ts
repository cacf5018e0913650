/**
 * The state that the EVM reads while it answers view calls. It keeps what was read, and refuses by name whatever would
 * change the state or lies outside of it.
 */
import type { StateManagerInterface } from "@ethereumjs/common";
import { Account, type Address } from "@ethereumjs/util";
import { InputError, InvariantError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { fromHex, toHex } from "./bytes.ts";

/** An account of the state, as its trie has it. */
export type AccountState = { nonce: bigint; balance: bigint; storageHash: Hex; codeHash: Hex };

/** Where the EVM reads. Addresses are lower case, keys and values 32 bytes. What a reader throws ends the run. */
export type StateReader = {
  /** `null`: proven not to be there. */
  account(address: Hex): Promise<AccountState | null>;
  slot(address: Hex, key: Hex): Promise<Hex>;
  /** Empty for an account without code. */
  code(address: Hex): Promise<Uint8Array>;
};

/**
 * At most so many bytes of code are handed to the EVM in a run, counted at every call, and of each at least some. It
 * reads all of a code before it jumps in it, however little gas the call takes: code made for that would keep a verifier
 * busy for an hour.
 */
export const MAX_CODE_BYTES = 33_554_432;
const LEAST_CODE_BYTES = 2_048;

/** What a run asked its state for: accounts by address, each with the slots that were read and whether its code was. */
export type Touched = ReadonlyMap<Hex, { slots: ReadonlySet<Hex>; code: boolean }>;

/** Precompiles 1 to 9 are the same on every chain; what lies between them and this address differs. */
const FIRST_FOREIGN = 10n;
const FIRST_ORDINARY = 0x10000n;

/**
 * The EVM's view of a `StateReader`. Nothing is ever written, so checkpoints have nothing to keep, and the EVM's own
 * bookkeeping (an account put back as it was) changes nothing.
 */
export class ReadOnlyState implements StateManagerInterface {
  /** The first refusal. The EVM does not let every error through. */
  fault: Error | null = null;
  readonly touched = new Map<Hex, { slots: Set<Hex>; code: boolean }>();
  readonly #reader: StateReader;
  #codeBytes = 0;
  readonly originalStorageCache: StateManagerInterface["originalStorageCache"];

  constructor(reader: StateReader) {
    this.#reader = reader;
    this.originalStorageCache = { get: (address, key) => this.getStorage(address, key), clear: () => {} };
  }

  refuse(why: string): never {
    this.fault ??= new InputError(why);
    throw this.fault;
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const at = this.#touch(address).address;
    const found = await this.#read((reader) => reader.account(at));
    if (found === null) return undefined;
    return new Account(found.nonce, found.balance, fromHex(found.storageHash), fromHex(found.codeHash));
  }

  async getCode(address: Address): Promise<Uint8Array> {
    const { address: at, use } = this.#touch(address);
    use.code = true;
    const code = await this.#read((reader) => reader.code(at));
    this.#codeBytes += Math.max(code.length, LEAST_CODE_BYTES);
    if (this.#codeBytes > MAX_CODE_BYTES) this.refuse(`Calls run more than ${MAX_CODE_BYTES} bytes of code in all.`);
    return code;
  }

  async getCodeSize(address: Address): Promise<number> {
    return (await this.getCode(address)).length;
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    const { address: at, use } = this.#touch(address);
    const slot = toHex(key);
    use.slots.add(slot);
    return fromHex(await this.#read((reader) => reader.slot(at, slot)));
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    const before = (await this.getAccount(address)) ?? new Account();
    const after = account ?? new Account();
    if (before.nonce !== after.nonce || before.balance !== after.balance) this.#refuseWrite(address);
  }

  async deleteAccount(address: Address): Promise<void> {
    this.#refuseWrite(address);
  }

  async modifyAccountFields(address: Address): Promise<void> {
    this.#refuseWrite(address);
  }

  async putCode(address: Address): Promise<void> {
    this.#refuseWrite(address);
  }

  async putStorage(address: Address): Promise<void> {
    this.#refuseWrite(address);
  }

  async clearStorage(address: Address): Promise<void> {
    this.#refuseWrite(address);
  }

  async checkpoint(): Promise<void> {}
  async commit(): Promise<void> {}
  async revert(): Promise<void> {}
  clearCaches(): void {}

  async getStateRoot(): Promise<Uint8Array> {
    throw new InvariantError("No opcode reads the state root.");
  }

  async setStateRoot(): Promise<void> {
    throw new InvariantError("No opcode sets the state root.");
  }

  async hasStateRoot(): Promise<boolean> {
    throw new InvariantError("No opcode asks for a state root.");
  }

  shallowCopy(): StateManagerInterface {
    throw new InvariantError("The state of a run is not copied.");
  }

  async #read<T>(from: (reader: StateReader) => Promise<T>): Promise<T> {
    try {
      return await from(this.#reader);
    } catch (error) {
      this.fault ??= error instanceof Error ? error : new InvariantError(String(error));
      throw this.fault;
    }
  }

  #touch(address: Address): { address: Hex; use: { slots: Set<Hex>; code: boolean } } {
    const hex = toHex(address.bytes);
    const at = BigInt(hex);
    if (FIRST_FOREIGN <= at && at < FIRST_ORDINARY) {
      this.refuse(`A call uses the system address ${hex}, behind which chains have different things.`);
    }
    const use = this.touched.get(hex) ?? { slots: new Set<Hex>(), code: false };
    this.touched.set(hex, use);
    return { address: hex, use };
  }

  #refuseWrite(address: Address): never {
    this.refuse(`A call would change account ${toHex(address.bytes)}; only calls that read can be verified.`);
  }
}

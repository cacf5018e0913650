/**
 * The state a witness proves. Every account and slot is read from the tries below a header's state root, and what the
 * witness says of it must be just that. Whoever then asks for more is refused: what a witness does not have is unknown,
 * and never zero.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { fromBase64, fromHex, toHex } from "./bytes.ts";
import { readAccount, readSlot } from "./chain/account.ts";
import { NodeSet } from "./chain/node-set.ts";
import { named } from "./chain/trie.ts";
import { unpackCodes } from "./codes.ts";
import type { StateReader, Touched } from "./read-only-state.ts";
import { EMPTY_CODE, EMPTY_TRIE, type Witness, type WitnessAccount } from "./witness.ts";

/** A call has read something that the witness does not hold. */
export class OutsideWitness extends InputError {}

/**
 * A reader of the state that a witness proves.
 * @param witness in its checked form, as `readWitness` gives it. @param stateRoot 32 bytes, of a header that is trusted.
 * @throws InputError naming the account or slot that is not proven, or is not what the witness says, and trie nodes that
 * prove nothing; OutsideWitness (from its functions) naming what is not in the witness.
 */
export function provenState(witness: Witness, stateRoot: Uint8Array): StateReader {
  const nodes = new NodeSet(witness.nodes.map(fromBase64));
  for (const account of witness.accounts) proveAccount(account, { nodes, stateRoot });
  nodes.requireAllUsed();

  const accounts = new Map(witness.accounts.map((account) => [account.address, account]));
  const slots = new Map(
    witness.accounts.map(({ address, slots }) => [address, new Map(slots.map(({ key, value }) => [key, value]))]),
  );
  // A contract's code is asked for at every call of it.
  const codes = unpackCodes(witness.codes);
  const accountAt = (address: Hex): WitnessAccount => {
    const account = accounts.get(address);
    if (account === undefined)
      throw new OutsideWitness(`A call reads account ${address}, which is not in the witness.`);
    return account;
  };

  return {
    async account(address) {
      const account = accountAt(address);
      if (isAbsent(account)) return null;
      const { nonce, balance, storageHash, codeHash } = account;
      return { nonce: BigInt(nonce), balance: BigInt(balance), storageHash, codeHash };
    },
    async slot(address, key) {
      const value = slots.get(accountAt(address).address)?.get(key);
      if (value === undefined) {
        throw new OutsideWitness(`A call reads slot ${key} of ${address}, which is not in the witness.`);
      }
      return value;
    },
    async code(address) {
      const { codeHash } = accountAt(address);
      if (codeHash === EMPTY_CODE) return new Uint8Array();
      const code = codes.get(codeHash);
      if (code === undefined) {
        throw new OutsideWitness(`A call runs the code ${codeHash} of ${address}, which is not in the witness.`);
      }
      return code;
    },
  };
}

/** Refuses a witness with accounts, slots or code that no call has read. @throws InputError naming one of them. */
export function requireAllTouched(witness: Witness, touched: Touched): void {
  const codes = new Set<string>();
  for (const { address, codeHash, slots } of witness.accounts) {
    const use = touched.get(address);
    if (use === undefined) throw new InputError(`The witness has account ${address}, which no call reads.`);
    const idle = slots.find(({ key }) => !use.slots.has(key));
    if (idle !== undefined)
      throw new InputError(`The witness has slot ${idle.key} of ${address}, which no call reads.`);
    if (use.code) codes.add(codeHash);
  }
  const idle = Object.keys(witness.codes).find((hash) => !codes.has(hash));
  if (idle !== undefined) throw new InputError(`The witness has code ${idle}, which no call runs.`);
}

function proveAccount(claimed: WitnessAccount, { nodes, stateRoot }: { nodes: NodeSet; stateRoot: Uint8Array }): void {
  const { address } = claimed;
  const proven = named(`account ${address}`, () =>
    readAccount(stateRoot, { address: fromHex(address), nodeOf: nodes.read }),
  );
  const fields = {
    nonce: (proven?.nonce ?? 0n).toString(),
    balance: (proven?.balance ?? 0n).toString(),
    storageHash: proven === null ? EMPTY_TRIE : toHex(proven.storageRoot),
    codeHash: proven === null ? EMPTY_CODE : toHex(proven.codeHash),
  };
  for (const [name, value] of Object.entries(fields)) {
    const said = claimed[name as keyof typeof fields];
    if (said !== value) throw new InputError(`The ${name} of ${address} is ${value}, but the witness says ${said}.`);
  }
  for (const { key, value } of claimed.slots) {
    const place = { slot: fromHex(key), nodeOf: nodes.read };
    const is = named(`slot ${key} of ${address}`, () => readSlot(fromHex(claimed.storageHash), place));
    const word = `0x${is.toString(16).padStart(64, "0")}`;
    if (word !== value) {
      throw new InputError(`Slot ${key} of ${address} is ${word}, but the witness says ${value}.`);
    }
  }
}

/** No transaction leaves an account behind that has nothing (EIP-161), so such fields are those of no account. */
function isAbsent({ nonce, balance, storageHash, codeHash }: WitnessAccount): boolean {
  return nonce === "0" && balance === "0" && storageHash === EMPTY_TRIE && codeHash === EMPTY_CODE;
}

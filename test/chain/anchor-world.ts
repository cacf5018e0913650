/** An anchor on a chain of its own, and what the tests of our contracts ask of it. */
import { BaseError, ContractFunctionRevertedError, type Hex } from "viem";
import { deployAnchor as deployOwned } from "../../devnet/anchor.ts";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { type Contract, createKit, type Kit } from "../../devnet/kit.ts";
import { type LogHead, publishArguments } from "../../src/core/proof/anchor.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";

export const ORIGIN = "plumbline.test/log";

export type AnchorWorld = { anvil: Anvil; kit: Kit; owner: Hex };

export async function startAnchorWorld(): Promise<AnchorWorld> {
  const anvil = await startAnvil({ chainId: 901, accounts: 4 });
  const kit = await createKit({ chainId: 901, url: anvil.url });
  return { anvil, kit, owner: kit.accounts[1] as Hex };
}

/** An anchor of the test's log. */
export function deployAnchor(kit: Kit, owner: Hex): Promise<Contract> {
  return deployOwned(kit, { owner, origin: ORIGIN });
}

/** The name of the error a call would revert with; null when it would succeed. */
export async function refusalOf(
  kit: Kit,
  contract: Contract,
  call: { functionName: string; args: readonly unknown[]; from?: Hex },
): Promise<string | null> {
  const { functionName, args, from } = call;
  const account = from ?? (kit.accounts[0] as Hex);
  try {
    await kit.client.simulateContract({ address: contract.address, abi: contract.abi, functionName, args, account });
    return null;
  } catch (error) {
    const revert = error instanceof BaseError ? error.walk((e) => e instanceof ContractFunctionRevertedError) : null;
    if (revert instanceof ContractFunctionRevertedError && revert.data) return revert.data.errorName;
    throw error;
  }
}

/** Sends a call in a block of its own. @returns the gas it used. */
export async function gasOf(
  kit: Kit,
  contract: Contract,
  call: { functionName: string; args: readonly unknown[]; from: Hex },
): Promise<bigint> {
  await kit.send(contract, call.functionName, call.args, { from: call.from });
  const receipts = (await kit.rpc("eth_getBlockReceipts", ["latest"])) as { gasUsed: Hex }[];
  return BigInt((receipts[0] as { gasUsed: Hex }).gasUsed);
}

/** A log whose heads an anchor publishes. */
export class AnchoredLog {
  readonly tree = new MerkleTree();
  readonly leaves: Uint8Array[] = [];
  #last: LogHead | null = null;

  append(leaf: Uint8Array): number {
    this.leaves.push(leaf);
    return this.tree.append(leafHash(leaf));
  }

  head(size = this.tree.size): LogHead {
    return { size, root: this.tree.root(size) };
  }

  /** Arguments that publish the head of this size, which is then the last. */
  publishing(size = this.tree.size): ReturnType<typeof publishArguments> {
    const last = this.#last;
    const proof = last === null ? [] : this.tree.consistencyProof(last.size, size);
    const head = this.head(size);
    const args = publishArguments(head, { last, proof });
    this.#last = head;
    return args;
  }

  path(index: number, size = this.tree.size) {
    return { index, size, proof: this.tree.inclusionProof(index, size) };
  }
}

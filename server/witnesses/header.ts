import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { fromHex, toHex } from "../../src/core/proof/bytes.ts";
import { keccak256 } from "../../src/core/proof/chain/keccak.ts";
import { encodeInteger, encodeRlp } from "../../src/core/proof/chain/rlp.ts";

/** A block as JSON-RPC gives it. */
export type RpcBlock = Readonly<Record<string, unknown>>;

type Field = readonly [name: string, kind: "bytes" | "integer"];

/** The fields every EVM chain has, in their order in the header. @see Ethereum Yellow Paper, section 4.3 */
const COMMON: readonly Field[] = [
  ["parentHash", "bytes"],
  ["sha3Uncles", "bytes"],
  ["miner", "bytes"],
  ["stateRoot", "bytes"],
  ["transactionsRoot", "bytes"],
  ["receiptsRoot", "bytes"],
  ["logsBloom", "bytes"],
  ["difficulty", "integer"],
  ["number", "integer"],
  ["gasLimit", "integer"],
  ["gasUsed", "integer"],
  ["timestamp", "integer"],
  ["extraData", "bytes"],
  ["mixHash", "bytes"],
  ["nonce", "bytes"],
];

/** What Ethereum's forks and the chains that follow it appended, each where it has come: EIP-1559, 4895, 4844, 4788, 7685. */
const ETHEREUM: readonly Field[] = [
  ["baseFeePerGas", "integer"],
  ["withdrawalsRoot", "bytes"],
  ["blobGasUsed", "integer"],
  ["excessBlobGas", "integer"],
  ["parentBeaconBlockRoot", "bytes"],
  ["requestsHash", "bytes"],
];

/** What Avalanche's C-Chain puts there. @see https://github.com/ava-labs/coreth/blob/master/core/types/block.go */
const AVALANCHE: readonly Field[] = [
  ["extDataHash", "bytes"],
  ["baseFeePerGas", "integer"],
  ["extDataGasUsed", "integer"],
  ["blockGasCost", "integer"],
  ["blobGasUsed", "integer"],
  ["excessBlobGas", "integer"],
  ["parentBeaconBlockRoot", "bytes"],
];

/**
 * The RLP of a block's header, put together from the fields a node gives. The hash tells whether it is right: a chain
 * whose header has other fields than we know is not guessed at.
 * @throws ProviderError when a field is missing or malformed; InputError when the fields do not make the block's hash.
 */
export function headerOf(block: RpcBlock): Uint8Array {
  const later = block.extDataHash === undefined ? ETHEREUM : AVALANCHE;
  const present = later.filter(([name]) => block[name] !== undefined && block[name] !== null);
  const header = encodeRlp([...COMMON, ...present].map((field) => encodeField(block, field)));
  const hash: Hex = toHex(keccak256(header));
  if (hash !== block.hash) {
    throw new InputError(
      `The header fields of block ${block.number} hash to ${hash}, but the node says ${block.hash}: it has other fields.`,
    );
  }
  return header;
}

/**
 * The block of a hash, as its node has it now.
 * @throws InputError when the node has none at that height, or another: it was replaced.
 */
export async function canonicalBlock(
  node: { chainId: number; block(number: number): Promise<RpcBlock | null> },
  { number, hash }: { number: number; hash: Hex },
): Promise<RpcBlock> {
  const found = await node.block(number);
  if (found === null) {
    throw new InputError(
      `The node of chain ${node.chainId} has no block ${number}: it was replaced, or has not come to the node yet.`,
    );
  }
  if (found.hash === hash) return found;
  throw new InputError(`Block ${number} of chain ${node.chainId} is ${found.hash}, not ${hash}: it was replaced.`);
}

function encodeField(block: RpcBlock, [name, kind]: Field): Uint8Array {
  const value = block[name];
  if (typeof value === "string") {
    if (kind === "integer" && /^0x[0-9a-f]{1,64}$/i.test(value)) return encodeInteger(BigInt(value));
    if (kind === "bytes" && /^0x([0-9a-f]{2})*$/i.test(value)) return fromHex(value.toLowerCase());
  }
  throw new ProviderError(`The node gave a block whose ${name} is ${JSON.stringify(value)}.`);
}

/**
 * A block's header in the bytes that its hash is taken of. Chains append fields of their own, or put them between those
 * of Ethereum's forks, but on every EVM chain we know the first fifteen keep their places: so only whoever makes a proof
 * needs to know a chain's dialect, and a reader does not.
 * @see Ethereum Yellow Paper, section 4.3
 */
import { InputError } from "../../errors.ts";
import { BLOOM_BYTES } from "./bloom.ts";
import { KECCAK_BYTES, keccak256 } from "./keccak.ts";
import { asBytes, asFixed, asInteger, asList, decodeRlp, type Rlp, type RlpLimits } from "./rlp.ts";

/** The header of a block: the fields that all chains have, and those that follow them. */
export type Header = {
  /** Keccak-256 of the raw header: the block hash. */
  hash: Uint8Array;
  parentHash: Uint8Array;
  ommersHash: Uint8Array;
  /** Address of 20 bytes. */
  beneficiary: Uint8Array;
  stateRoot: Uint8Array;
  transactionsRoot: Uint8Array;
  receiptsRoot: Uint8Array;
  logsBloom: Uint8Array;
  difficulty: bigint;
  number: bigint;
  gasLimit: bigint;
  gasUsed: bigint;
  /** Seconds since 1970. */
  timestamp: bigint;
  extraData: Uint8Array;
  /** Since the merge the block's randomness. */
  mixHash: Uint8Array;
  nonce: Uint8Array;
  /** Fields from place 15 on, whose meaning depends on the chain. On Ethereum and the OP stack the base fee is the first. */
  later: readonly Rlp[];
};

/** Room for chains that keep validator sets in `extraData`. */
const LIMITS: RlpLimits = { bytes: 1 << 17, depth: 8, items: 1 << 14 };

const FIELDS = 15;
const ADDRESS_BYTES = 20;
const NONCE_BYTES = 8;
const WORD_BYTES = 32;
const COUNT_BYTES = 8;

/**
 * A header from its raw RLP. Later fields must be canonical, and nothing else is asked of them.
 * @throws InputError when the bytes are not canonical RLP or one of the first fifteen fields has not its form.
 */
export function decodeHeader(raw: Uint8Array): Header {
  const fields = asList(decodeRlp(raw, LIMITS), "header");
  if (fields.length < FIELDS) throw new InputError(`A header has ${fields.length} fields, fewer than ${FIELDS}.`);
  const fixed = (place: number, name: string, bytes: number) =>
    asFixed(fields[place], { name: `header's ${name}`, bytes });
  const hash = (place: number, name: string) => fixed(place, name, KECCAK_BYTES);
  const integer = (place: number, name: string, bytes: number) =>
    asInteger(fields[place], { name: `header's ${name}`, bytes });
  return {
    hash: keccak256(raw),
    parentHash: hash(0, "parent hash"),
    ommersHash: hash(1, "hash of uncles"),
    beneficiary: fixed(2, "beneficiary", ADDRESS_BYTES),
    stateRoot: hash(3, "state root"),
    transactionsRoot: hash(4, "transactions root"),
    receiptsRoot: hash(5, "receipts root"),
    logsBloom: fixed(6, "bloom", BLOOM_BYTES),
    difficulty: integer(7, "difficulty", WORD_BYTES),
    number: integer(8, "number", COUNT_BYTES),
    gasLimit: integer(9, "gas limit", COUNT_BYTES),
    gasUsed: integer(10, "gas used", COUNT_BYTES),
    timestamp: integer(11, "timestamp", COUNT_BYTES),
    extraData: asBytes(fields[12], "header's extra data"),
    mixHash: hash(13, "mix hash"),
    nonce: fixed(14, "nonce", NONCE_BYTES),
    later: fields.slice(FIELDS),
  };
}

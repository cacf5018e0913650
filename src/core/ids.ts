/**
 * Identifiers. Chains are CAIP-2, accounts CAIP-10; every key starts with the chain, so no key of one chain can meet
 * one of another.
 * @see https://chainagnostic.org/CAIPs/caip-2 and https://chainagnostic.org/CAIPs/caip-10
 */
import { InputError } from "./errors.ts";

/** Bytes as hex digits after `0x`; lower case in every id and key. */
export type Hex = `0x${string}`;

const POSITION = /^(eip155:[1-9]\d{0,14})\/[^/]+\/[^/]+\/(0x[0-9a-f]{40})\/[1-9]\d*$/;

/** CAIP-2 id of an EVM chain: `eip155:901`. */
export function caip2(chainId: number): string {
  return `eip155:${chainId}`;
}

/** The integer chain id of a CAIP-2 id. @throws InputError for anything but `eip155:<integer>`. */
export function chainIdOf(caip: string): number {
  const m = /^eip155:([1-9]\d{0,14})$/.exec(caip);
  if (!m) throw new InputError(`"${caip}" is not a CAIP-2 chain like eip155:901.`);
  return Number(m[1]);
}

/** CAIP-10 id of an account, address in lower case: `eip155:901:0xabc…`. */
export function caip10(chainId: number, address: string): string {
  return `eip155:${chainId}:${address.toLowerCase()}`;
}

/** The address of a CAIP-10 id, lower case. @throws InputError when it is none. */
export function addressOf(caip: string): Hex {
  const m = /^eip155:[1-9]\d{0,14}:(0x[0-9a-f]{40})$/.exec(caip.toLowerCase());
  if (!m) throw new InputError(`"${caip}" is not a CAIP-10 account like eip155:901:0x….`);
  return m[1] as Hex;
}

/** Id of a protocol's deployment on a chain: `eip155:901/perp-v2`. */
export function protocolId(chainId: number, protocol: string): string {
  return `${caip2(chainId)}/${protocol}`;
}

/** Id of a market: `eip155:901/perp-v2/<key>`; the key is the protocol's own (base token, market proxy), lower case. */
export function marketId(chainId: number, protocol: string, key: string): string {
  return `${protocolId(chainId, protocol)}/${key.toLowerCase()}`;
}

/**
 * Id of a position: `<market>/<account>/<epoch>`. The epoch counts how often this account has gone from flat to open in
 * this market, from 1, so that a reopened position is a new subject.
 */
export function positionId(market: string, address: string, epoch: number): string {
  return `${market}/${address.toLowerCase()}/${epoch}`;
}

/**
 * Whose a subject is: the CAIP-10 account that a position id names, and of any other subject, an account among them, the
 * subject itself.
 */
export function holderOf(subject: string): string {
  const m = POSITION.exec(subject);
  return m ? `${m[1]}:${m[2]}` : subject;
}

/** CAIP-19 id of a token: `eip155:901/erc20:0xabc…`. @see https://chainagnostic.org/CAIPs/caip-19 */
export function assetId(chainId: number, address: string): string {
  return `${caip2(chainId)}/erc20:${address.toLowerCase()}`;
}

/** Id of a log: `<chainId>-<block>-<logIndex>`, zero-padded so that text order is chain order. */
export function logId(chainId: number, blockNumber: bigint, logIndex: number): string {
  return `${chainId}-${blockNumber.toString().padStart(12, "0")}-${logIndex.toString().padStart(6, "0")}`;
}

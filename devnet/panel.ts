import { encodeAbiParameters, encodeFunctionData, parseAbiParameters } from "viem";
import { InvariantError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import { panelArtifact } from "./artifacts.ts";
import type { Contract, Kit } from "./kit.ts";

/** One view call of a panel. */
export type PanelCall = { contract: Contract; functionName: string; args: readonly unknown[] };

/** The 32-byte words a call answered with; empty where it reverted. */
export type Answer = readonly bigint[];

/** A fixed set of view calls, of which any part can be read at the last block in one request. */
export type Panel<Key> = { read(keys: readonly Key[]): Promise<ReadonlyMap<Key, readonly Answer[]>> };

const LENT_TO = "0x0000000000000000000000000000000000009a9e";
const WORD = 64;

/**
 * Encodes the calls once, because the market reads the same ones before every block.
 * @param groups the calls that are read together, by key.
 */
export async function createPanel<Key>(kit: Kit, groups: ReadonlyMap<Key, readonly PanelCall[]>): Promise<Panel<Key>> {
  const { abi, bytecode } = panelArtifact();
  // Calling creation code without a receiver gives the code it would leave.
  const code = (await kit.rpc("eth_call", [{ data: bytecode }, "latest"])) as Hex;
  const encoded = new Map([...groups].map(([key, calls]) => [key, calls.map(encodeCall)]));
  const selector = encodeFunctionData({ abi, functionName: "read", args: [[]] }).slice(0, 10);
  return {
    async read(keys) {
      const calls = keys.flatMap((key) => encoded.get(key) ?? []);
      const call = { to: LENT_TO, data: selector + assemble(calls), gas: "0x3b9aca00" };
      const answer = await kit.rpc("eth_call", [call, "latest", { [LENT_TO]: { code } }]);
      const answers = decode(answer as Hex);
      if (answers.length !== calls.length) {
        throw new InvariantError(`A panel of ${calls.length} calls got ${answers.length} answers.`);
      }
      let from = 0;
      return new Map(
        keys.map((key) => {
          const count = encoded.get(key)?.length ?? 0;
          from += count;
          return [key, answers.slice(from - count, from)];
        }),
      );
    },
  };
}

/** The ABI form of one `Panel.Call`, without its selector or place. */
function encodeCall({ contract, functionName, args }: PanelCall): string {
  const data = encodeFunctionData({ abi: contract.abi, functionName, args });
  return encodeAbiParameters(parseAbiParameters("address, bytes"), [contract.address, data]).slice(2);
}

/** The ABI form of `Panel.Call[]` as the only argument. */
function assemble(calls: readonly string[]): string {
  let offset = calls.length * 32;
  const heads = calls.map((call) => {
    const head = word(offset);
    offset += call.length / 2;
    return head;
  });
  return [word(32), word(calls.length), ...heads, ...calls].join("");
}

function word(value: number): string {
  return value.toString(16).padStart(WORD, "0");
}

/** Decodes `bytes[]` into words by hand: a general decoder takes longer than the chain does to answer. */
function decode(hex: Hex): Answer[] {
  const body = hex.slice(2);
  const wordAt = (at: number): bigint => BigInt(`0x${body.slice(at * WORD, (at + 1) * WORD)}`);
  const first = Number(wordAt(0)) / 32;
  const heads = first + 1;
  return Array.from({ length: Number(wordAt(first)) }, (_, i) => {
    const at = heads + Number(wordAt(heads + i)) / 32;
    const words = Number(wordAt(at)) / 32;
    return Array.from({ length: Math.floor(words) }, (_, j) => wordAt(at + 1 + j));
  });
}

/** A word as the signed integer it encodes. */
export function signed(word: bigint): bigint {
  return BigInt.asIntN(256, word);
}

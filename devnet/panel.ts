import { encodeFunctionData, type Hex as ViemHex } from "viem";
import { InvariantError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import { panelArtifact } from "./artifacts.ts";
import type { Contract, Kit } from "./kit.ts";

/** One view call of a panel. */
export type PanelCall = { contract: Contract; functionName: string; args: readonly unknown[] };

/** The 32-byte words a call answered with; empty where it reverted. */
export type Answer = readonly bigint[];

/** A fixed set of view calls, read at the last block in one request. */
export type Panel = { read(): Promise<readonly Answer[]> };

const LENT_TO = "0x0000000000000000000000000000000000009a9e";
const WORD = 64;

/** Encodes the calls once, because the market reads the same ones before every block. */
export async function createPanel(kit: Kit, calls: readonly PanelCall[]): Promise<Panel> {
  const { abi, bytecode } = panelArtifact();
  const targets = calls.map(({ contract, functionName, args }) => ({
    target: contract.address,
    data: encodeFunctionData({ abi: contract.abi, functionName, args }),
  }));
  const data = encodeFunctionData({ abi, functionName: "read", args: [targets] });
  const request = kit.client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>;
  // Calling creation code without a receiver gives the code it would leave.
  const code = (await request({ method: "eth_call", params: [{ data: bytecode }, "latest"] })) as ViemHex;
  return {
    async read() {
      const answer = await request({
        method: "eth_call",
        params: [{ to: LENT_TO, data, gas: "0x3b9aca00" }, "latest", { [LENT_TO]: { code } }],
      });
      const answers = decode(answer as Hex);
      if (answers.length !== calls.length) {
        throw new InvariantError(`A panel of ${calls.length} calls got ${answers.length} answers.`);
      }
      return answers;
    },
  };
}

/** Decodes `bytes[]` into words by hand: a general decoder takes longer than the chain does to answer. */
function decode(hex: Hex): Answer[] {
  const body = hex.slice(2);
  const word = (at: number): bigint => BigInt(`0x${body.slice(at * WORD, (at + 1) * WORD)}`);
  const first = Number(word(0)) / 32;
  const heads = first + 1;
  return Array.from({ length: Number(word(first)) }, (_, i) => {
    const at = heads + Number(word(heads + i)) / 32;
    const words = Number(word(at)) / 32;
    return Array.from({ length: Math.floor(words) }, (_, j) => word(at + 1 + j));
  });
}

/** A word as the signed integer it encodes. */
export function signed(word: bigint): bigint {
  return BigInt.asIntN(256, word);
}

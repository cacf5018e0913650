import { decodeAbiParameters, encodeAbiParameters, keccak256, stringToBytes } from "viem";
import { createRpc } from "../../devnet/rpc.ts";
import type { Hex } from "../../src/core/ids.ts";
import { type Listening, listen } from "../server/support/fake-world.ts";

/** A log as a node tells it, in answers to `eth_getLogs` and in receipts. */
type SaidLog = { topics: Hex[]; data: Hex; transactionHash: Hex; logIndex: Hex };
type SaidReceipt = { logs: SaidLog[] };
type Request = { id: unknown; method: string; params: unknown[] };

/** A node that lies about one deposit, and whose it is: an address in lower case. */
export type AlteringNode = Listening & { account: string };

const DEPOSITED = keccak256(stringToBytes("Deposited(address,address,uint256)"));
const AMOUNT = [{ type: "uint256" }] as const;

/**
 * Stands before a node of Perp v2 and passes everything on, but makes the first deposit that was ever made larger by `more`
 * of the token's units, in logs and in receipts alike.
 */
export async function startAlteringNode(url: string, { more }: { more: bigint }): Promise<AlteringNode> {
  const rpc = createRpc(url);
  const all = { fromBlock: "0x0", toBlock: "latest", topics: [DEPOSITED] };
  const [first] = (await rpc("eth_getLogs", [all])) as SaidLog[];
  if (first === undefined) throw new Error(`Nothing was ever deposited on the chain of ${url}.`);

  function alter(log: SaidLog): SaidLog {
    if (log.transactionHash !== first?.transactionHash || log.logIndex !== first.logIndex) return log;
    const [amount] = decodeAbiParameters(AMOUNT, log.data);
    return { ...log, data: encodeAbiParameters(AMOUNT, [amount + more]) };
  }

  const alterAll = (receipt: SaidReceipt): SaidReceipt => ({ ...receipt, logs: receipt.logs.map(alter) });
  const told: Readonly<Record<string, (result: never) => unknown>> = {
    eth_getLogs: (logs: SaidLog[]) => logs.map(alter),
    eth_getTransactionReceipt: (receipt: SaidReceipt | null) => receipt && alterAll(receipt),
    eth_getBlockReceipts: (receipts: SaidReceipt[] | null) => receipts?.map(alterAll) ?? null,
  };

  async function answer({ id, method, params }: Request): Promise<unknown> {
    try {
      const result = await rpc(method, params);
      return { jsonrpc: "2.0", id, result: told[method]?.(result as never) ?? result };
    } catch (error) {
      return { jsonrpc: "2.0", id, error: { code: -32_000, message: (error as Error).message } };
    }
  }

  const listening = await listen(async (_request, body) => {
    const asked = JSON.parse(body) as Request | Request[];
    const said = Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked);
    return { status: 200, text: JSON.stringify(said) };
  });
  return { ...listening, account: `0x${first.topics[2]?.slice(-40)}` };
}

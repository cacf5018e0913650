import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Receipt } from "../../../../src/core/proof/chain/receipt.ts";
import { asBytes, asInteger, asList, decodeRlp } from "../../../../src/core/proof/chain/rlp.ts";
import { isDataAbsent } from "../../../support/require.ts";

/** A block of Ethereum: raw header, and body and receipts as nodes send them to each other. */
export type MainnetBlock = { number: string; header: Uint8Array; body: Uint8Array; receipts: Uint8Array };

/** Greatest number of bytes that body or receipts of one of the blocks have; they hold more items than a receipt. */
const LIMITS = { bytes: 1 << 22, depth: 8, items: 1 << 20 };

const VARIABLE = "PLUMBLINE_TEST_DATA";
const FOLDER = "mainnet-blocks";

/** Whether the blocks must be skipped; see {@link isDataAbsent}. */
export function areBlocksAbsent(): boolean {
  return isDataAbsent("Ethereum's blocks", { variable: VARIABLE, folder: FOLDER });
}

/** The blocks, or none when they are not there. */
export function readBlocks(): MainnetBlock[] {
  const root = process.env[VARIABLE];
  if (root === undefined) return [];
  const folder = join(root, FOLDER);
  return readdirSync(folder).map((file) => {
    const fields = new Map(
      readFileSync(join(folder, file), "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(": ") as [string, string]),
    );
    const field = (name: string): Uint8Array => Uint8Array.from(Buffer.from((fields.get(name) ?? "").slice(2), "hex"));
    const number = /(\d+)\.yaml$/.exec(file)?.[1] ?? "";
    return { number, header: field("header"), body: field("body"), receipts: field("receipts") };
  });
}

/** Receipts in the form of eth/69, which has the type as a field of its own and leaves the bloom out. */
export function receiptsOf({ receipts }: MainnetBlock): Receipt[] {
  return asList(decodeRlp(receipts, LIMITS), "list of receipts").map((item) => {
    const [type, outcome, gas, logs] = asList(item, "receipt");
    return {
      type: Number(asInteger(type, { name: "type", bytes: 1 })),
      outcome: asBytes(outcome, "outcome"),
      cumulativeGas: asInteger(gas, { name: "gas", bytes: 8 }),
      logs: asList(logs, "logs").map((log) => {
        const [address, topics, data] = asList(log, "log");
        return {
          address: asBytes(address, "address"),
          topics: asList(topics, "topics").map((topic) => asBytes(topic, "topic")),
          data: asBytes(data, "data"),
        };
      }),
      deposit: null,
    };
  });
}

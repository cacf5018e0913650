import { readFileSync } from "node:fs";
import { decodeEventLog } from "viem";
import { chainlink } from "../../../../src/adapters/chainlink/index.ts";
import type { Arithmetic } from "../../../../src/adapters/perp-v2/arithmetic.ts";
import { perpV2 } from "../../../../src/adapters/perp-v2/index.ts";
import { PerpV2Model } from "../../../../src/adapters/perp-v2/model.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { InvariantError } from "../../../../src/core/errors.ts";
import { type CanonicalEvent, fromJson, type Log, type Reading } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../../../src/core/margin-model.ts";

type RawLog = [number, string, number, number, Hex, string, [Hex, ...Hex[]], Hex];
type RawReading = [number, number, string, (string | boolean)[] | null];

type Fixture = {
  chain: ChainDeployment;
  now: string;
  logs: RawLog[];
  readings: RawReading[];
  accounts: { address: Hex; equity: string; requirement: string }[];
};

/** One place of the recorded session: what was read for an event, and the event. */
export type Step = { event: CanonicalEvent; readings: Reading[] };

/** A session recorded on the protocol's own bytecode (`record.ts`). */
export const FIXTURE = JSON.parse(readFileSync(new URL("./session.fixture.json", import.meta.url), "utf8")) as Fixture;

export const CONFIG = FIXTURE.chain.protocols[0] as ProtocolDeployment;

/** The recorded logs, decoded by their ABIs only. */
export function recordedLogs(): Log[] {
  const abis = new Map(
    [...perpV2.sources(FIXTURE.chain), ...chainlink.sources(FIXTURE.chain)].map((s) => [s.name, s.abi]),
  );
  return FIXTURE.logs.map(([number, timestamp, txIndex, logIndex, address, source, topics, data]) => {
    const abi = abis.get(source);
    if (abi === undefined) throw new InvariantError(`No source ${source}.`);
    const { eventName, args } = decodeEventLog({ abi, topics, data });
    const hash = hashOf(number);
    const block = { number: BigInt(number), hash, parentHash: hashOf(number - 1), timestamp: BigInt(timestamp) };
    const txHash = hashOf(number * 1_000 + txIndex);
    const place = { chainId: FIXTURE.chain.chainId, block, txHash, txIndex, logIndex, address, source };
    return { ...place, name: String(eventName), args: args as unknown as Log["args"] };
  });
}

/** The recorded session as the model receives it. */
export function recordedSteps(): Step[] {
  return recordedLogs().map((log) => {
    const decoded = (log.source.startsWith("Chainlink") ? chainlink : perpV2).decode(log);
    const event = decoded.events[0];
    if (event === undefined) throw new InvariantError(`${log.source}.${log.name}: ${decoded.rejected}`);
    const readings = FIXTURE.readings
      .filter(([number, index]) => BigInt(number) === log.block.number && index === log.logIndex)
      .map(([, , key, result]) => readingOf(event, key, result));
    return { event, readings };
  });
}

export function createRecordedModel(arithmetic?: Arithmetic): { model: PerpV2Model; journal: Journal } {
  const journal = new Journal();
  const exchanged = arithmetic === undefined ? {} : { arithmetic };
  return { model: new PerpV2Model({ config: CONFIG, feeds: FIXTURE.chain.feeds, journal, ...exchanged }), journal };
}

/** Folds one step. */
export function fold(model: PerpV2Model, { event, readings }: Step): void {
  for (const reading of readings) model.applyReading(reading);
  model.apply(event);
}

/** Everything a model says, as text: states, holders and figures. */
export function describeModel(model: PerpV2Model, now: bigint): string {
  const accounts = model.addresses().map((a) => [a, model.accountState(a), model.account(a, now)]);
  const markets = model.marketKeys().map((key) => {
    return [key, model.marketState(key), [...model.holders(key)].sort(), model.market(key, now)];
  });
  const all = [accounts, markets, model.protocolBadDebt()];
  return JSON.stringify(all, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}

function readingOf(event: CanonicalEvent, key: string, result: (string | boolean)[] | null): Reading {
  const { chainId, block, logIndex, protocol } = event;
  const place = { id: `${block.number}/${key}`, chainId, block, logIndex, protocol, key };
  const values = result?.map(fromJson) ?? null;
  return { ...place, address: "0x", functionName: "", args: [], result: values };
}

function hashOf(number: number): Hex {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

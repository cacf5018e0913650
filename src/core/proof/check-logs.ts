/**
 * Whether proven logs show what an assessment at a log is about: the trade behind an opening, or a deposit or withdrawal.
 * Which contract, event, account and market it must be follows from the assessment, the deployment and the protocol's
 * adapter; the evidence has no say in it.
 */
import type { Abi, AbiEvent } from "viem";
import { decodeEventLog, toEventSelector } from "viem/utils";
import type { Adapter, ContractSource } from "../adapter.ts";
import type { Assessment } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { CanonicalEvent, Log } from "../event.ts";
import { abs, WAD } from "../fixed.ts";
import { addressOf, caip2, type Hex } from "../ids.ts";
import type { AssetDeployment, ChainDeployment, ProtocolDeployment } from "../margin-model.ts";
import { metricId, subjectOf } from "../metrics/catalogue.ts";
import { transferOf } from "../metrics/subject-inputs.ts";
import type { ProvenLog, ProvenLogs } from "./log-evidence.ts";

/** As much of an assessment as says which log it is about. */
export type LogClaim = Pick<
  Assessment,
  "chain" | "protocol" | "subject" | "account" | "testPoint" | "metric" | "inputs"
>;

/** Where the claim's protocol is, as the deployment has it, and what reads its logs. */
export type LogGround = { chain: ChainDeployment; protocol: ProtocolDeployment; adapter: Adapter };

/** Inputs that the logs themselves state, and one sentence on what is shown and what is not. */
export type LogFinding = { proven: readonly string[]; sentence: string };

/** An event with the log it was read from. `isListed` says whether the deployment names the contract. */
type Read = { event: CanonicalEvent; log: ProvenLog; isListed: boolean };

/** The logs of the claim's transaction, and what the claim says of itself. */
type Matter = LogGround & {
  claim: LogClaim;
  account: Hex;
  logIndex: number;
  logs: readonly ProvenLog[];
  events: readonly Read[];
  transactionIndex: number;
};

/** ERC-20's event, the same in every token. */
const TRANSFER = toEventSelector("Transfer(address,address,uint256)");

/**
 * Holds an assessment at a log against the logs of the last transaction proven.
 * @throws InputError when there is no such event, it is of another account, market or contract, it cannot be at the log's
 * index, or it states another input than is recorded.
 */
export function checkLogs(claim: LogClaim, { proven, ground }: { proven: ProvenLogs; ground: LogGround }): LogFinding {
  const point = /^log:(0|[1-9]\d{0,8})$/.exec(claim.testPoint);
  if (point === null) throw new InputError(`A log proves nothing that is tested at ${claim.testPoint}.`);
  if (claim.account === null) throw new InputError("The assessment names no account that a log could be of.");
  const chain = caip2(proven.chainId);
  if (claim.chain !== chain || ground.chain.chainId !== proven.chainId) {
    throw new InputError(`The logs are of ${chain}, and the assessment of ${claim.chain}.`);
  }
  const { transactionIndex } = proven;
  const logs = proven.logs.filter((log) => log.transactionIndex === transactionIndex);
  const events = eventsOf(logs, { proven, ground });
  const account = addressOf(claim.account);
  const matter = { ...ground, claim, account, logIndex: Number(point[1]), logs, events, transactionIndex };
  // Were it the subject that decides, a deposit could stand behind what is said of an opening.
  if (subjectOf(metricId(claim.metric)) === "position") return checkOpening(matter);
  if (claim.subject !== claim.account) {
    throw new InputError(`${claim.metric} of ${claim.subject} is not one of the account ${claim.account}.`);
  }
  return checkTransfer(matter);
}

function checkOpening(matter: Matter): LogFinding {
  const { claim, account, events, transactionIndex, adapter } = matter;
  const market = marketOf(claim, account);
  const own = events.filter(({ event }) => event.account === account);
  const inMarket = own.filter(
    ({ event, isListed }) => event.market === market && (isListed || event.address === market),
  );
  const trade = inMarket.filter(({ event }) => event.kind === "TRADE").at(-1);
  if (trade === undefined) {
    throw new InputError(
      `Transaction ${transactionIndex} of the block has no trade of ${account} in market ${market}.`,
    );
  }
  if (own.some(({ event }) => event.kind === "LP_CHANGE")) {
    throw new InputError(
      `Transaction ${transactionIndex} changes liquidity of ${account}, so its trade is no opening.`,
    );
  }
  requirePlace(trade.log, matter);
  const said =
    adapter.statedInputs?.(
      claim.metric,
      inMarket.map(({ event }) => event),
    ) ?? {};
  return found(`the trade of ${account} in market ${market}`, { matter, of: trade, said });
}

function checkTransfer(matter: Matter): LogFinding {
  const { claim, account, events, transactionIndex, protocol } = matter;
  let fault: InputError | null = null;
  for (const of of events) {
    const moved = transferOf(of.event, protocol);
    if (moved === null || of.event.account !== account) continue;
    try {
      requirePlace(of.log, matter);
      if (!of.isListed) requireMoved(of.event, { asset: moved.asset, logs: matter.logs });
      const said: Record<string, bigint> = { units: moved.units };
      if (moved.asset === protocol.settlement) said.price = WAD;
      return found(`a deposit or withdrawal of ${account}`, { matter, of, said });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      fault = error;
    }
  }
  throw fault ?? new InputError(`Transaction ${transactionIndex} moves no collateral of ${claim.account}.`);
}

/** Holds what the log states against the record, and says what is shown. */
function found(
  what: string,
  { matter, of, said }: { matter: Matter; of: Read; said: Readonly<Record<string, bigint>> },
): LogFinding {
  const { claim, logIndex } = matter;
  const proven = Object.keys(said).filter((name) => claim.inputs[name] !== undefined);
  for (const name of proven) {
    if (claim.inputs[name] === said[name]?.toString()) continue;
    throw new InputError(`The log states ${said[name]} for ${name}, and the assessment ${claim.inputs[name]}.`);
  }
  const { log, isListed } = of;
  const place =
    log.logIndex === null
      ? `Transaction ${log.transactionIndex} of the block holds, at place ${log.place}, ${what}; that this is log ` +
        `${logIndex} of the block is taken from the record.`
      : `Log ${logIndex} of the block is ${what}.`;
  const states = proven.length === 0 ? " It states none of the inputs." : ` It states ${proven.join(" and ")}.`;
  const listed = isListed ? "" : " That its contract is a market of the protocol is taken from the record.";
  return { proven, sentence: place + states + listed };
}

/** A log's index in its block is at least its place in its receipt, and known when all receipts before are there. */
function requirePlace({ place, logIndex: is, transactionIndex }: ProvenLog, { logIndex }: Matter): void {
  if (is === null ? place <= logIndex : is === logIndex) return;
  const where = is === null ? `at place ${place} of transaction ${transactionIndex}` : `log ${is} of the block`;
  throw new InputError(`The event is ${where}, so it cannot be log ${logIndex}.`);
}

/**
 * A market that a factory announced is not in the deployment, and anybody can write its events. The token is in it: that
 * it moved what the event says is its own word.
 */
function requireMoved(
  { account, amount }: CanonicalEvent,
  { asset, logs }: { asset: AssetDeployment | undefined; logs: readonly ProvenLog[] },
): void {
  const holder = `0x${(account ?? "").slice(2).padStart(64, "0")}`;
  const side = (amount ?? 0n) > 0n ? 1 : 2;
  const moved = logs.some(
    ({ address, topics, data }) =>
      address === asset?.address.toLowerCase() &&
      topics[0] === TRANSFER &&
      topics[side] === holder &&
      data ===
        `0x${abs(amount ?? 0n)
          .toString(16)
          .padStart(64, "0")}`,
  );
  if (!moved) throw new InputError(`No log of the token shows that ${account} moved ${amount} of it.`);
}

/** The market in a position's id, which must be the account's own. */
function marketOf({ protocol, subject }: LogClaim, account: Hex): string {
  const [market, holder, stretch, ...more] = subject.slice(protocol.length + 1).split("/");
  if (!subject.startsWith(`${protocol}/`) || market === undefined || stretch === undefined || more.length > 0) {
    throw new InputError(`"${subject}" is no position in ${protocol} that a log could have opened.`);
  }
  if (holder !== account) throw new InputError(`The position ${subject} is not one of ${account}.`);
  return market;
}

/** What a transaction's logs say in the protocol's terms, in their order. */
function eventsOf(
  logs: readonly ProvenLog[],
  { proven, ground }: { proven: ProvenLogs; ground: LogGround },
): readonly Read[] {
  const sources = ground.adapter.sources(ground.chain).map((source) => ({ source, byTopic: handledBy(source) }));
  return logs.flatMap((log) =>
    sources.flatMap(({ source: { name: source, where }, byTopic }) => {
      const isListed = where.kind === "addresses";
      if (isListed && !where.addresses.includes(log.address)) return [];
      const said = read(log, byTopic);
      if (said === null) return [];
      const { events } = ground.adapter.decode({
        ...{ chainId: proven.chainId, block: proven.block, source, address: log.address, ...said },
        // A receipt does not name its transaction, and adapters only hand the hash on.
        ...{ txHash: "0x", txIndex: log.transactionIndex, logIndex: log.logIndex ?? log.place },
      });
      return events.map((event) => ({ event, log, isListed }));
    }),
  );
}

/** The events of a contract that are handled, by their first topic. */
function handledBy({ abi, events }: ContractSource): ReadonlyMap<Hex, AbiEvent> {
  const handled = abi.filter((item): item is AbiEvent => item.type === "event" && events.includes(item.name));
  return new Map(handled.map((event) => [toEventSelector(event), event]));
}

/** A log as one of these events; `null` when it is none. */
function read({ topics, data }: ProvenLog, byTopic: ReadonlyMap<Hex, AbiEvent>): Pick<Log, "name" | "args"> | null {
  const [topic] = topics;
  const event = topic === undefined ? undefined : byTopic.get(topic);
  if (event === undefined) return null;
  try {
    const { eventName, args } = decodeEventLog({ abi: [event] as Abi, topics: topics as [Hex, ...Hex[]], data });
    return { name: String(eventName), args: (args ?? {}) as unknown as Log["args"] };
  } catch {
    // The topic is the event's, and the rest is not: whoever wrote it, it is no such event.
    return null;
  }
}

/**
 * Answers an ask over a state that somebody else answers for, in the environment of one block. Calls run in an EVM and
 * only read: they are a STATICCALL from the zero address with no value.
 *
 * What the EVM may not know it must not make up. Whatever a call asks for beyond the state and the block's number, time,
 * proposer and gas limit is refused by name, because chains differ in it or a call has no such thing.
 */
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, type EVM, type EVMRunCallOpts } from "@ethereumjs/evm";
import { Address, createZeroAddress } from "@ethereumjs/util";
import { InputError, InvariantError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { type Ask, isCall, MAX_REQUESTS, type Request, type SlotRead, type ViewCall } from "./ask.ts";
import { fromHex, toHex } from "./bytes.ts";
import { ReadOnlyState, type StateReader, type Touched } from "./read-only-state.ts";

/** What a call may know of its block. `gasLimit` is the block's own, which GASLIMIT gives. */
export type CallEnvironment = { chainId: number; number: bigint; timestamp: bigint; coinbase: Hex; gasLimit: bigint };

/**
 * At most so much gas for all calls of a run together. Every step costs at least one gas, so this bounds the steps too;
 * the largest view we call takes below two million.
 */
export const MAX_GAS = 10_000_000n;

/** A request, and what it was answered with. */
export type Answered = { request: Request; answer: Hex };

/** What was asked for came to, every request with its answer, the gas of all calls, and what they read. */
export type AskRun<T> = { result: T; answered: readonly Answered[]; gasUsed: bigint; touched: Touched };

/**
 * Answers one round of requests after another.
 * @param given `prepare` is told of each round before it is answered.
 * @throws InputError when nothing or too much is asked for, or a call reverts, runs out of gas, writes, or needs what
 * cannot be answered; whatever `ask`, `state` and `prepare` throw.
 */
export async function runAsk<T>(given: {
  environment: CallEnvironment;
  state: StateReader;
  ask: () => Ask<T>;
  prepare?: (requests: readonly Request[]) => Promise<void>;
}): Promise<AskRun<T>> {
  const { environment } = given;
  const state = new ReadOnlyState(given.state);
  const evm = await createEvm(environment.chainId, state);
  const answered: Answered[] = [];
  let gasUsed = 0n;
  const rounds = given.ask();
  let round = rounds.next();
  while (round.done !== true) {
    const requests = round.value;
    requireAtMost(answered.length + requests.length);
    await given.prepare?.(requests);
    const answers: Hex[] = [];
    for (const request of requests) {
      let answer: Hex;
      if (isCall(request)) {
        const result = await runOne({ evm, state, environment, gas: MAX_GAS - gasUsed }, request);
        gasUsed += result.gasUsed;
        answer = result.data;
      } else answer = await readOne(state, request);
      answers.push(answer);
      answered.push({ request, answer });
    }
    round = rounds.next(answers);
  }
  if (answered.length === 0) throw new InputError("A run asks for nothing, so there is nothing to prove.");
  return { result: round.value, answered, gasUsed, touched: state.touched };
}

function requireAtMost(requests: number): void {
  if (requests > MAX_REQUESTS) throw new InputError(`A run asks for ${requests} things, more than ${MAX_REQUESTS}.`);
}

async function readOne(state: ReadOnlyState, { account, slot }: SlotRead): Promise<Hex> {
  const key = fromHex(slot);
  if (key.length !== 32) throw new InputError(`"${slot}" is not the key of a storage slot.`);
  return toHex(await state.getStorage(addressOf(account), key));
}

/** Opcodes whose answer is no part of a block's state, or for which an `eth_call` has another answer than a transaction. */
const REFUSED: Readonly<Record<number, string>> = {
  64: "BLOCKHASH",
  68: "PREVRANDAO",
  72: "BASEFEE",
  73: "BLOBHASH",
  74: "BLOBBASEFEE",
};

/** Rollups on which NUMBER is the number of a block of the chain below: Arbitrum One, Nova and Sepolia. */
const FOREIGN_NUMBER: ReadonlySet<number> = new Set([42_161, 42_170, 421_614]);
const NUMBER = 0x43;

/** The opcodes of Prague. Code that runs another was written for rules this EVM does not know. */
const ASSIGNED: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x0b],
  [0x10, 0x1d],
  [0x20, 0x20],
  [0x30, 0x4a],
  [0x50, 0x9f],
  [0xa0, 0xa4],
  [0xf0, 0xf5],
  [0xfa, 0xfa],
  [0xfd, 0xff],
];

async function createEvm(chainId: number, state: ReadOnlyState): Promise<EVM> {
  const customOpcodes = [];
  for (let opcode = 0; opcode < 256; opcode++) {
    const name = REFUSED[opcode] ?? (opcode === NUMBER && FOREIGN_NUMBER.has(chainId) ? "NUMBER" : null);
    const isAssigned = ASSIGNED.some(([first, last]) => first <= opcode && opcode <= last);
    if (name === null && isAssigned) continue;
    const asks = name ?? `opcode 0x${opcode.toString(16).padStart(2, "0")}`;
    const logicFunction = () => state.refuse(`A call runs ${asks}, whose outcome a witness cannot show.`);
    customOpcodes.push({ opcode, opcodeName: asks, baseFee: 0, logicFunction });
  }
  const common = createCustomCommon({ chainId }, Mainnet, { hardfork: Hardfork.Prague });
  return createEVM({ common, stateManager: state, customOpcodes });
}

type Run = { evm: EVM; state: ReadOnlyState; environment: CallEnvironment; gas: bigint };

async function runOne({ evm, state, environment, gas }: Run, call: ViewCall) {
  // What an earlier call has made warm would be cheaper for this one.
  evm.journal.cleanJournal();
  const outcome = evm.runCall({
    to: addressOf(call.to),
    data: fromHex(call.data),
    caller: createZeroAddress(),
    gasLimit: gas,
    isStatic: true,
    skipNonceIncrement: true,
    block: blockOf(environment),
  });
  const result = await outcome.catch((error: unknown) => {
    throw state.fault ?? error;
  });
  // The EVM takes some errors for a call's own failure, which a contract may catch; ours end the run all the same.
  if (state.fault !== null) throw state.fault;
  const { exceptionError, executionGasUsed, returnValue } = result.execResult;
  if (exceptionError !== undefined) {
    const reason = returnValue.length === 0 ? "" : ` and returns ${toHex(returnValue.subarray(0, 68))}`;
    throw new InputError(
      `The call ${call.data.slice(0, 10)} of ${call.to} ends with "${exceptionError.error}"${reason}.`,
    );
  }
  return { data: toHex(returnValue), gasUsed: executionGasUsed };
}

function addressOf(text: Hex): Address {
  const bytes = fromHex(text);
  if (bytes.length !== 20) throw new InputError(`"${text}" is not an address.`);
  return new Address(bytes);
}

function blockOf({ number, timestamp, coinbase, gasLimit }: CallEnvironment): NonNullable<EVMRunCallOpts["block"]> {
  const beyondReach = (): never => {
    throw new InvariantError("A refused opcode has been run.");
  };
  return {
    header: {
      ...{ number, timestamp, gasLimit, coinbase: addressOf(coinbase) },
      ...{ difficulty: 0n, prevRandao: new Uint8Array(32), getBlobGasPrice: beyondReach },
    },
  };
}

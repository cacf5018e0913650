import { describe, expect, it } from "vitest";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { type Ask, asked, MAX_REQUESTS, type Request } from "../../../src/core/proof/ask.ts";
import { fromHex, toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { MAX_CODE_BYTES, type StateReader } from "../../../src/core/proof/read-only-state.ts";
import { MAX_GAS, runAsk } from "../../../src/core/proof/view-call.ts";
import { EMPTY_TRIE } from "../../../src/core/proof/witness.ts";

const A: Hex = `0x${"aa".repeat(20)}`;
const B: Hex = `0x${"bb".repeat(20)}`;
const ENVIRONMENT = { chainId: 901, number: 77n, timestamp: 1_700_000_000n, coinbase: B, gasLimit: 40_000_000n };

/** Returns the word on top of the stack. */
const RETURN_TOP = "60005260206000f3";
const push20 = (address: Hex) => `73${address.slice(2)}`;
/** Calls B and returns whether that succeeded, as Solidity's `try` would. */
const TRY_B = `${"5f".repeat(4)}${push20(B)}5afa${RETURN_TOP}`;

type Given = { code?: Record<Hex, string>; slots?: Record<string, bigint>; fail?: Error };

/** A state of two contracts in which every account exists; what it was asked for is in `asked`. */
function stateOf({ code = {}, slots = {}, fail }: Given): StateReader & { asked: string[] } {
  const asked: string[] = [];
  const codeOf = (address: Hex) => fromHex(`0x${code[address] ?? ""}`);
  return {
    asked,
    async account(address) {
      return { nonce: 1n, balance: 5n, storageHash: EMPTY_TRIE, codeHash: toHex(keccak256(codeOf(address))) };
    },
    async code(address) {
      return codeOf(address);
    },
    async slot(address, key) {
      asked.push(`${address} ${BigInt(key)}`);
      const value = slots[`${address} ${BigInt(key)}`];
      if (value === undefined) throw fail ?? new InputError("no such slot");
      return `0x${value.toString(16).padStart(64, "0")}`;
    },
  };
}

const CALL: Request = { to: A, data: "0x" };

const run = async (given: Given, { chainId = 901, calls = 1 } = {}) => {
  const environment = { ...ENVIRONMENT, chainId };
  const requests = Array.from({ length: calls }, () => CALL);
  const { result, ...rest } = await runAsk({ environment, state: stateOf(given), ask: () => asked(requests) });
  return { returned: result, ...rest };
};

async function outcome(code: string): Promise<bigint> {
  const { returned } = await run({ code: { [A]: code + RETURN_TOP } });
  return BigInt(returned[0] as Hex);
}

describe("a view call", () => {
  it("knows its block: number, time, proposer, gas limit and chain", async () => {
    expect(await outcome("43")).toBe(77n);
    expect(await outcome("42")).toBe(1_700_000_000n);
    expect(await outcome("41")).toBe(BigInt(B));
    expect(await outcome("45")).toBe(40_000_000n);
    expect(await outcome("46")).toBe(901n);
  });

  it("comes from the zero address, with no value and at no price", async () => {
    for (const opcode of ["33", "32", "34", "3a"]) expect(await outcome(opcode)).toBe(0n);
  });

  it("reads slots, balances and code, and says what it has read", async () => {
    const code = { [A]: `600754${push20(B)}3101${push20(B)}3b01${RETURN_TOP}`, [B]: "000000" };
    const { returned, touched, gasUsed } = await run({ code, slots: { [`${A} 7`]: 100n } });
    expect(BigInt(returned[0] as Hex)).toBe(108n);
    expect(gasUsed).toBeGreaterThan(0n);
    expect([...touched.keys()].sort()).toEqual([`0x${"0".repeat(40)}`, A, B]);
    expect([...(touched.get(A)?.slots ?? [])]).toEqual([`0x${"7".padStart(64, "0")}`]);
    expect(touched.get(B)).toEqual({ slots: new Set(), code: true });
  });

  it("costs the same wherever it stands among others", async () => {
    const given = { code: { [A]: `600754${RETURN_TOP}` }, slots: { [`${A} 7`]: 1n } };
    const [one, three] = [await run(given), await run(given, { calls: 3 })];
    expect(three.gasUsed).toBe(3n * one.gasUsed);
  });

  it.each([
    ["40", "BLOCKHASH"],
    ["44", "PREVRANDAO"],
    ["48", "BASEFEE"],
    ["5f49", "BLOBHASH"],
    ["4a", "BLOBBASEFEE"],
    ["1e", "opcode 0x1e"],
    ["ef", "opcode 0xef"],
  ])("is refused when its code runs %s", async (code, name) => {
    await expect(run({ code: { [A]: `5f${code}00` } })).rejects.toThrow(InputError);
    await expect(run({ code: { [A]: `5f${code}00` } })).rejects.toThrow(name);
  });

  it("is refused on Arbitrum when it asks for the block's number, which is another chain's there", async () => {
    await expect(run({ code: { [A]: `43${RETURN_TOP}` } }, { chainId: 42_161 })).rejects.toThrow(/NUMBER/);
  });

  it.each(["0a", "11", "64", "0100"])("is refused when it uses the system address 0x%s", async (system) => {
    const address: Hex = `0x${system.padStart(40, "0")}`;
    await expect(run({ code: { [A]: `${push20(address)}31${RETURN_TOP}` } })).rejects.toThrow(/system address/);
  });

  it("runs the precompiles that every chain has", async () => {
    // SHA-256 of nothing.
    const code = `60205f5f5f${push20(`0x${"2".padStart(40, "0")}`)}5afa505f51${RETURN_TOP}`;
    const { returned } = await run({ code: { [A]: code } });
    expect(returned[0]).toBe("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });
});

describe("what a view call cannot answer", () => {
  it("ends the run, also where a contract would catch it", async () => {
    for (const inner of ["600754", "40", "48", "1e", `${push20(`0x${"64".padStart(40, "0")}`)}31`]) {
      await expect(run({ code: { [A]: TRY_B, [B]: `5f${inner}00` } }), inner).rejects.toThrow(InputError);
    }
  });

  it("is told with the reader's own error", async () => {
    const fail = new ProviderError("asleep");
    await expect(run({ code: { [A]: TRY_B, [B]: "60075400" }, fail })).rejects.toBe(fail);
  });

  it("is never a zero: a contract's own failure is caught, a refusal is not", async () => {
    const { returned } = await run({ code: { [A]: TRY_B, [B]: "fe" } });
    expect(BigInt(returned[0] as Hex)).toBe(0n);
  });
});

describe("a call that is no view", () => {
  it.each([
    ["writes a slot", "60016000555f5ff3"],
    ["writes to transient storage", "600160005d5f5ff3"],
    ["makes a contract", "5f5f5ff000"],
    ["destroys itself", "5fff"],
    ["logs", "5f5fa000"],
    ["sends value", `5f5f5f5f6001${push20(B)}5af100`],
    ["reverts", "5f5ffd"],
    ["stops at an invalid opcode", "fe"],
    ["never ends", "5b5f56"],
    ["asks for more memory than there is gas for", "63ffffffff5ff3"],
  ])("is refused when it %s", async (_, code) => {
    await expect(run({ code: { [A]: code }, slots: { [`${A} 0`]: 0n } })).rejects.toThrow(InputError);
  });

  it("says what a revert returned", async () => {
    await expect(run({ code: { [A]: "63deadbeef5f526004601cfd" } })).rejects.toThrow(/0xdeadbeef/);
  });

  it("cannot move a balance, not even within one account", async () => {
    const code = { [A]: `5f5f5f5f6001${push20(B)}5af2${RETURN_TOP}`, [B]: "00" };
    await expect(run({ code })).rejects.toThrow(/would change account/);
  });
});

describe("a run", () => {
  it("has between one request and the most there may be", async () => {
    const code = { [A]: "00" };
    await expect(run({ code }, { calls: 0 })).rejects.toThrow(/asks for nothing/);
    await expect(run({ code }, { calls: MAX_REQUESTS + 1 })).rejects.toThrow(/more than 1024/);
    expect((await run({ code }, { calls: MAX_REQUESTS })).returned).toHaveLength(MAX_REQUESTS);
  });

  it("counts the requests of all its rounds, also of one that never ends", async () => {
    const state = stateOf({ code: { [A]: "00" } });
    function* forever(): Ask<never> {
      for (;;) yield [CALL, CALL, CALL];
    }
    await expect(runAsk({ environment: ENVIRONMENT, state, ask: forever })).rejects.toThrow(/1026 things/);
  });

  it("lets one answer lead to the next question, and reads slots too", async () => {
    const state = stateOf({ code: { [A]: `5f35${RETURN_TOP}` }, slots: { [`${B} 7`]: 9n } });
    const rounds: Request[][] = [];
    function* ask(): Ask<bigint> {
      const [first] = yield [{ account: B, slot: `0x${"7".padStart(64, "0")}` }];
      const [second] = yield [{ to: A, data: first as Hex }];
      return BigInt(second as Hex) + 1n;
    }
    const prepare = async (requests: readonly Request[]) => {
      rounds.push([...requests]);
    };
    const { result, answered, touched } = await runAsk({ environment: ENVIRONMENT, state, ask, prepare });
    expect(result).toBe(10n);
    expect(rounds.map((round) => round.length)).toEqual([1, 1]);
    expect(answered.map(({ answer }) => BigInt(answer))).toEqual([9n, 9n]);
    expect(touched.get(B)).toEqual({ slots: new Set([`0x${"7".padStart(64, "0")}`]), code: false });
  });

  it("refuses a slot or an account that is none", async () => {
    const slot: Hex = `0x${"7".padStart(64, "0")}`;
    for (const request of [
      { account: A, slot: "0x07" as Hex },
      { account: "0xaa" as Hex, slot },
    ]) {
      const given = { environment: ENVIRONMENT, state: stateOf({}), ask: () => asked([request]) };
      await expect(runAsk(given)).rejects.toThrow(InputError);
    }
  });

  it("has one supply of gas for all its calls", async () => {
    // Reading that far into memory costs more than half of it.
    const code = { [A]: "621900005100" };
    expect((await run({ code })).gasUsed).toBeGreaterThan(MAX_GAS / 2n);
    await expect(run({ code }, { calls: 2 })).rejects.toThrow(/out of gas/);
  });

  it("is over when calls run too much code, however little gas they take", async () => {
    // Calls the other contract until the gas is used up; that one's code is long, or there are very many calls of it.
    const loop = `5b5f5f5f5f${push20(B)}5afa505f56`;
    for (const code of ["00".repeat(24_000), "00"]) {
      await expect(run({ code: { [A]: loop, [B]: code } })).rejects.toThrow(
        `more than ${MAX_CODE_BYTES} bytes of code`,
      );
    }
  });

  it.each(["0x12", A.toUpperCase(), `${A}00`])("refuses %s as an address", async (to) => {
    const ask = () => asked([{ to: to as Hex, data: "0x" as Hex }]);
    const given = { environment: ENVIRONMENT, state: stateOf({}), ask };
    await expect(runAsk(given)).rejects.toThrow(InputError);
  });
});

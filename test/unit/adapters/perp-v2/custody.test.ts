import { describe, expect, it } from "vitest";
import type { PerpV2Model } from "../../../../src/adapters/perp-v2/model.ts";
import type { Journal } from "../../../../src/core/book/journal.ts";
import type { CanonicalEvent, Reading } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import { CONFIG, createRecordedModel, fold, recordedSteps } from "./fixture.ts";

const STEPS = recordedSteps();
const USDC = CONFIG.settlement.address.toLowerCase() as Hex;
const FUND = CONFIG.contracts.InsuranceFund?.toLowerCase() as Hex;
const SCALE = 10n ** 12n;

function folded(): { model: PerpV2Model; journal: Journal } {
  const made = createRecordedModel();
  for (const step of STEPS) fold(made.model, step);
  return made;
}

/** Answers one of the model's epoch readings. */
function answer(model: PerpV2Model, key: string, result: Reading["result"]) {
  const request = model.epochReads().find((r) => r.key === key);
  const block = STEPS.at(-1)?.event.block;
  if (request === undefined || block === undefined) throw new Error(`Nobody asks for ${key}.`);
  return model.applyReading({ id: key, chainId: 901, block, logIndex: 1, protocol: "perp-v2", ...request, result });
}

function deposited(trader: Hex, amount: bigint): CanonicalEvent {
  const event = STEPS.find((s) => s.event.payload.event === "Deposited")?.event as CanonicalEvent;
  return { ...event, payload: { ...event.payload, trader, collateralToken: USDC, amount } };
}

describe("custody of Perp v2", () => {
  it("asks at an epoch's end for the vault's balance of every token", () => {
    const { model } = folded();
    const asked = model.epochReads().filter(({ key }) => key.startsWith("custody:"));
    const tokens = [CONFIG.settlement, ...(CONFIG.collateral ?? [])].map(({ address }) => address.toLowerCase());
    expect(asked.map(({ address }) => address)).toEqual(tokens);
    for (const { abi, functionName, args } of asked) {
      expect({ abi, functionName, args }).toEqual({
        ...{ abi: "Erc20", functionName: "balanceOf" },
        args: [CONFIG.contracts.Vault?.toLowerCase()],
      });
    }
  });

  it("is unknown before the first reading, and where the balance cannot be read", () => {
    const { model } = folded();
    expect(model.custody(USDC)).toEqual({ custody: null, reason: "NOT_YET_READ" });
    answer(model, `custody:${USDC}`, null);
    expect(model.custody(USDC)).toEqual({ custody: null, reason: "READ_REVERTED" });
  });

  it("owes each trader with a balance its balance and realised results, the insurance fund nothing", () => {
    const { model } = folded();
    expect(answer(model, `custody:${USDC}`, [7_000_000n])).toEqual({ accounts: [], markets: [], everyone: false });
    const { custody } = model.custody(CONFIG.settlement.address);
    expect(custody?.held).toBe(7n * 10n ** 18n);
    const owed = custody?.owed as Record<string, bigint>;
    const expected = model.addresses().flatMap((address): [string, bigint][] => {
      const { balances, owed } = model.accountState(address) as { balances: Record<string, string>; owed: string };
      const claim = BigInt(balances[USDC] ?? 0) * SCALE + BigInt(owed);
      return claim > 0n && address !== FUND ? [[address, claim]] : [];
    });
    expect(expected.length).toBeGreaterThan(3);
    expect(Object.entries(owed)).toEqual(expected);
  });

  it("stays what it was at the reading until the next one, and is undone with it", () => {
    const { model, journal } = folded();
    const trader = "0x00000000000000000000000000000000000000fe";
    answer(model, `custody:${USDC}`, [1n]);
    const before = model.custody(USDC);
    journal.mark("a");
    model.apply(deposited(trader, 5n));
    expect(model.custody(USDC)).toEqual(before);
    answer(model, `custody:${USDC}`, [6n]);
    expect(model.custody(USDC).custody).toMatchObject({ held: 6n * SCALE, owed: { [trader]: 5n * SCALE } });
    journal.undoFrom("a");
    expect(model.custody(USDC)).toEqual(before);
  });

  it("is unknown of a token the vault does not take", () => {
    const { model } = folded();
    expect(model.custody("0x00000000000000000000000000000000000000aa").reason).toBe("NOT_YET_READ");
  });
});

import { describe, expect, it } from "vitest";
import type { ProtocolViews } from "../../../src/core/adapter.ts";
import { MAX_CREDITORS } from "../../../src/core/custody.ts";
import { InputError } from "../../../src/core/errors.ts";
import { caip10, type Hex, marketId, positionId } from "../../../src/core/ids.ts";
import type { AssetDeployment, Deployment, Figure, Product } from "../../../src/core/margin-model.ts";
import type { InputsOf, StatedGroup } from "../../../src/core/metrics/inputs.ts";
import type { Ask } from "../../../src/core/proof/ask.ts";
import { derive, type Grounds, isProvable, type Provable } from "../../../src/core/proof/derive.ts";
import type { Rule } from "../../../src/core/rules/rule.ts";
import { readRulebooks } from "../../../src/files/rulebooks.ts";

const { rules } = readRulebooks("rulebooks");
const hex = (digit: string): Hex => `0x${digit.repeat(40)}`;
const [HOLDER, BASE, OTHER, TOKEN] = [hex("a"), hex("b"), hex("c"), hex("d")];
const ACCOUNT = caip10(901, HOLDER);
const PROTOCOL = "eip155:901/perp-v2";

const usdc: AssetDeployment = { symbol: "USDC", address: TOKEN, decimals: 6, feed: "USDC/USD" };
const deployment: Deployment = {
  version: 1,
  name: "test",
  chains: [
    {
      ...{ chainId: 901, name: "one", startBlock: 0, tickBlocks: 10, epochBlocks: 32, gridSeconds: 300, feeds: [] },
      protocols: ["perp-v2", "chainlink"].map((protocol) => {
        return { protocol, startBlock: 0, contracts: {}, settlement: usdc };
      }),
    },
  ],
};

const known = (value: bigint): Figure => ({ value, reason: null });
const unstated: Figure = { value: null, reason: "PROTOCOL_HIDES_STATE" };

function group(key: string, markets: readonly Hex[]): StatedGroup {
  return {
    ...{ key, collateral: unstated, equity: known(50n), maintenance: known(60n), grossNotional: known(1_000n) },
    positions: markets.map((market) => ({
      ...{ market, size: 1n, markPrice: known(7n), notional: known(500n), unrealizedPnl: unstated },
      ...{ fundingAccrued: unstated, maintenance: unstated, liquidationPrice: unstated },
    })),
  };
}

const product: Product = {
  ...({ kind: "PERPETUAL", payoff: "LINEAR", underlierClass: "crypto", underlier: "ETH", power: 1 } as const),
  ...{ expirySeconds: null, strike: null },
};

/** What the views were asked. */
const seen: unknown[] = [];

function viewsWith(groups: readonly StatedGroup[]): ProtocolViews {
  return {
    *account({ address, market }) {
      seen.push({ address, market });
      return { account: { groups }, marketOf: () => ({ product }) };
    },
    *custody({ asset, members }) {
      seen.push({ asset: asset.symbol, members });
      return { held: 90n, owed: Object.fromEntries(members.map((member) => [member, 30n])) };
    },
  };
}

const about: Provable = {
  ...{ chain: "eip155:901", protocol: PROTOCOL, subject: ACCOUNT, account: ACCOUNT, testPoint: "end" },
  ...{ metric: "ACC.MARGIN_RATIO", inputs: {}, blockTimestamp: "1700000000" },
};
const position = { metric: "POS.MARGIN_RATIO", subject: positionId(marketId(901, "perp-v2", BASE), HOLDER, 3) };
const custody = { metric: "AST.CUSTODY_COVERAGE", subject: `eip155:901/erc20:${TOKEN}`, account: null };
const owedTo = (creditors: readonly string[]) => Object.fromEntries(creditors.map((key) => [`owed.${key}`, "1"]));

const grounds = (given: Partial<Grounds> & { groups?: readonly StatedGroup[] } = {}): Grounds => ({
  rule: null,
  deployment,
  viewsOf: (protocol) => (protocol === "perp-v2" ? viewsWith(given.groups ?? [group("", [BASE, OTHER])]) : undefined),
  ...given,
});

function finish(ask: (() => Ask<InputsOf>) | null): InputsOf {
  const round = ask?.().next();
  if (round?.done !== true) throw new Error("The views of this test ask for nothing.");
  return round.value;
}

const ruleCalled = (id: string) => rules.find((rule) => rule.id === id) as Rule;

describe("what views prove", () => {
  it("is what a metric needs at the end of a block, and nothing within one", () => {
    for (const testPoint of ["end", "day:2026-04-02", "epoch:7"]) {
      for (const metric of ["ACC.MARGIN_RATIO", "POS.LEVERAGE_EFFECTIVE", "AST.CUSTODY_COVERAGE"]) {
        expect(isProvable(metric, testPoint), `${metric} ${testPoint}`).toBe(true);
      }
    }
    expect(isProvable("ACC.MARGIN_RATIO", "log:7")).toBe(false);
    expect(isProvable("ACC.COLLATERAL_HHI", "end")).toBe(false);
    expect(isProvable("MKT.OI_TOTAL", "end")).toBe(false);
  });

  it("is the inputs of an account's metric", () => {
    seen.length = 0;
    expect(finish(derive(about, grounds()).ask)).toEqual({ inputs: { equity: 50n, maintenance: 60n }, reason: null });
    expect(seen).toEqual([{ address: HOLDER, market: null }]);
    const notional = derive({ ...about, metric: "ACC.GROSS_NOTIONAL" }, grounds()).ask;
    expect(finish(notional).inputs).toEqual({ [`notional.${BASE}`]: 500n, [`notional.${OTHER}`]: 500n });
  });

  it("is with the rates of the rule's own table", () => {
    const rule = ruleCalled("EU-CFD-CLOSEOUT-50");
    const { ask } = derive({ ...about, metric: "ACC.CLOSEOUT_RATIO" }, grounds({ rule }));
    const inputs = { equity: 50n, "notional.crypto": 1_000n, "rate.crypto": 5n * 10n ** 17n };
    expect(finish(ask)).toEqual({ inputs, reason: null });
    const without = derive({ ...about, metric: "ACC.CLOSEOUT_RATIO" }, grounds());
    expect(finish(without.ask)).toEqual({ inputs: null, reason: "NO_RATE" });
  });

  it("is the inputs of a position's metric, from the group it is in", () => {
    seen.length = 0;
    const groups = [group(OTHER, [OTHER]), { ...group(BASE, [BASE]), equity: known(7n) }];
    const { ask } = derive({ ...about, ...position }, grounds({ groups }));
    expect(finish(ask)).toEqual({ inputs: { equity: 7n, maintenance: 60n }, reason: null });
    expect(seen).toEqual([{ address: HOLDER, market: BASE }]);
    const gone = derive({ ...about, ...position }, grounds({ groups: [group(OTHER, [OTHER])] }));
    expect(finish(gone.ask)).toEqual({ inputs: null, reason: "NO_POSITION" });
  });

  it("is what is held and owed of an asset, to the creditors a record names", () => {
    seen.length = 0;
    const inputs = { held: "5", ...owedTo([BASE, OTHER]) };
    const { ask } = derive({ ...about, ...custody, inputs, testPoint: "epoch:7" }, grounds());
    expect(finish(ask).inputs).toEqual({ held: 90n, [`owed.${BASE}`]: 30n, [`owed.${OTHER}`]: 30n });
    expect(seen).toEqual([{ asset: "USDC", members: [BASE, OTHER] }]);
  });
});

describe("what views do not prove is refused with the reason", () => {
  const many = Array.from({ length: MAX_CREDITORS + 1 }, (_, i) => `0x${i.toString(16).padStart(40, "0")}`);

  it.each<[string, RegExp, Partial<Provable>, Partial<Grounds>]>([
    ["a state within a block", /at log:7 does not follow/, { testPoint: "log:7" }, {}],
    ["a metric no view states", /ACC.COLLATERAL_HHI/, { metric: "ACC.COLLATERAL_HHI" }, {}],
    ["a chain that is not deployed on", /no protocol/, { chain: "eip155:902" }, {}],
    ["a protocol that is not deployed", /no protocol/, { protocol: "eip155:901/other" }, {}],
    ["a protocol of another chain", /no protocol/, { protocol: "eip155:902/perp-v2" }, {}],
    ["a protocol without views", /No view of chainlink/, { protocol: "eip155:901/chainlink" }, {}],
    ["an account of another chain", /no account of chain 901/, { subject: caip10(902, HOLDER) }, {}],
    ["an account that is none", /no account/, { subject: "eip155:901:0xabc" }, {}],
    ["a position of another holder", /no position of/, { ...position, account: caip10(901, OTHER) }, {}],
    [
      "a position of another protocol",
      /no position of/,
      { ...position, subject: `eip155:901/x/${BASE}/${HOLDER}/1` },
      {},
    ],
    [
      "a position under upper-case hex",
      /no position of/,
      { ...position, subject: position.subject.replace(/aa/, "AA") },
      {},
    ],
    ["a position and more", /no position of/, { ...position, subject: `${position.subject}/1` }, {}],
    ["a market instead of a position", /no position of/, { ...position, subject: `${PROTOCOL}/${BASE}` }, {}],
    ["an asset that is no collateral", /no collateral/, { ...custody, subject: `eip155:901/erc20:${OTHER}` }, {}],
    ["what is owed in one sum", /More than 256/, { ...custody, inputs: { held: "1", owed: "2" } }, {}],
    ["too many creditors", /More than 256/, { ...custody, inputs: owedTo(many) }, {}],
  ])("%s", (_, reason, change, given) => {
    const refused = derive({ ...about, ...change }, grounds(given));
    expect(refused.ask).toBeNull();
    expect(refused.reason).toMatch(reason);
    expect(derive({ ...about, ...change }, grounds(given)).ask).toBeNull();
  });

  it("money converted to a currency", () => {
    const rule = { ...ruleCalled("EU-CFD-NBP"), unit: "EUR" } as Rule;
    const refused = derive({ ...about, metric: "ACC.NET_EQUITY" }, grounds({ rule }));
    expect(refused.reason).toMatch(/EU-CFD-NBP states ACC.NET_EQUITY in a currency/);
  });

  it("what the rule is not about: another protocol, or products that are not held", () => {
    const foreign = ruleCalled("SYNTHETIX-PERPS-V2-MAINTENANCE");
    const refused = derive({ ...about, ...position }, grounds({ rule: foreign }));
    expect(refused.reason).toBe("Rule SYNTHETIX-PERPS-V2-MAINTENANCE is not about perp-v2.");
    const currencies = ruleCalled("JP-FX-LEV-25");
    const daily = { ...position, metric: "POS.LEVERAGE_EFFECTIVE", testPoint: "day:2026-04-02" } as const;
    const { ask } = derive({ ...about, ...daily }, grounds({ rule: currencies }));
    expect(() => finish(ask)).toThrow(/JP-FX-LEV-25 is about none of the products/);
    const ofAccount = derive({ ...about, metric: "ACC.NET_EQUITY" }, grounds({ rule: currencies }));
    expect(() => finish(ofAccount.ask)).toThrow(InputError);
    const empty = derive({ ...about, metric: "ACC.NET_EQUITY" }, grounds({ rule: currencies, groups: [] }));
    expect(finish(empty.ask)).toEqual({ inputs: {}, reason: null });
  });
});

import { describe, expect, it } from "vitest";
import { ADAPTERS, adapterOf, sourcesOf } from "../../../src/adapters/catalogue.ts";
import { InputError } from "../../../src/core/errors.ts";
import { CHAIN } from "./synthetix-perps-v2/world.ts";

const DEPLOYMENT = { version: 1 as const, name: "test", chains: [CHAIN, { ...CHAIN, chainId: 903, name: "other" }] };

describe("the catalogue", () => {
  it("gives every chain its contracts, under names that belong to one adapter", () => {
    const chains = sourcesOf(DEPLOYMENT);
    expect(chains.map((c) => c.chain.chainId)).toEqual([902, 903]);
    const names = chains.map((c) => c.sources.map((s) => s.name));
    expect(names[0]).toEqual(names[1]);
    expect(new Set(names[0]).size).toBe(names[0]?.length);
    expect(names[0]).toContain("SynthetixPerpsV2Market");
  });

  it("has one adapter a protocol, each with the ABIs its model may ask views of", () => {
    const protocols = ADAPTERS.map((a) => a.protocol);
    expect(new Set(protocols).size).toBe(protocols.length);
    const withModels = ADAPTERS.filter(({ createModel }) => createModel !== null);
    expect(withModels.map((a) => a.protocol)).toEqual(expect.arrayContaining(["perp-v2", "synthetix-perps-v2"]));
    for (const adapter of withModels) expect(Object.keys(adapter.readAbis).length).toBeGreaterThan(0);
  });

  it("refuses a protocol it does not know, and one whose address is missing", () => {
    expect(() => adapterOf("gmx-v2")).toThrow(InputError);
    const [protocol] = CHAIN.protocols;
    const unknown = { ...CHAIN, protocols: [{ ...protocol, protocol: "gmx-v2" }] };
    expect(() => sourcesOf({ ...DEPLOYMENT, chains: [unknown as typeof CHAIN] })).toThrow(InputError);
    const { ExchangeRates: _, ...contracts } = protocol?.contracts ?? {};
    const lacking = { ...CHAIN, protocols: [{ ...protocol, contracts }] };
    expect(() => sourcesOf({ ...DEPLOYMENT, chains: [lacking as typeof CHAIN] })).toThrow(InputError);
  });
});

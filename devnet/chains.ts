import type { Hex } from "../src/core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../src/core/margin-model.ts";
import { fromHex, toHex } from "../src/core/proof/bytes.ts";
import { keccak256 } from "../src/core/proof/chain/keccak.ts";
import type { Kit } from "./kit.ts";
import { everyoneOn, KEEPER, PERP_CHAIN, SYNTHETIX_CHAIN } from "./market/cast.ts";
import { fundPerpTraders } from "./market/perp-liquidity.ts";
import { createPerpMarket } from "./market/perp-market.ts";
import { CURRENCIES, firstPrice, type Priced, UNDERLIERS } from "./market/prices.ts";
import type { Scenario } from "./market/scenario.ts";
import { createSynthetixMarket } from "./market/synthetix-market.ts";
import type { Market } from "./market/trading.ts";
import { deployPerpV2, type PerpV2 } from "./perp-v2.ts";
import { deploymentOf, deploySynthetix, type Synthetix } from "./synthetix.ts";
import { OTHER_UNDERLIERS } from "./synthetix-parameters.ts";

/** What runs on one chain of the devnet. The handle that is not the chain's own is null. */
export type Venue = {
  perp: PerpV2 | null;
  synthetix: Synthetix | null;
  deployment: ChainDeployment;
  createMarket(scenario: Scenario): Promise<Market>;
};

/** The chains of the devnet, in order. */
export const CHAINS: readonly number[] = [PERP_CHAIN, SYNTHETIX_CHAIN];

/** Blocks between ticks, blocks of an epoch, seconds between grid times, blocks to finality; the same on both chains. */
const CADENCE = { tickBlocks: 10, epochBlocks: 32, gridSeconds: 300, finalityBlocks: 32 };

/** Deploys what belongs on the kit's chain and gives the cast its tokens. Takes the same blocks whatever the seed. */
export function deployVenue(kit: Kit): Promise<Venue> {
  return kit.chainId === PERP_CHAIN ? deployPerpVenue(kit) : deploySynthetixVenue(kit);
}

async function deployPerpVenue(kit: Kit): Promise<Venue> {
  const plainFeeds = Object.fromEntries(CURRENCIES.map((currency) => [`${currency}/USD`, firstPrice(currency)]));
  const perp = await deployPerpV2(kit, { prices: { ...firstPrices(UNDERLIERS), USDC: 10n ** 8n }, plainFeeds });
  await fundPerpTraders(perp);
  const { protocol, feeds } = perp.deployment();
  return {
    perp,
    synthetix: null,
    deployment: chainDeployment(kit.chainId, { protocols: [await withCodeHashes(kit, protocol)], feeds }),
    createMarket: (scenario) => createPerpMarket(perp, scenario),
  };
}

async function deploySynthetixVenue(kit: Kit): Promise<Venue> {
  const synthetix = await deploySynthetix(kit, {
    prices: firstPrices([...UNDERLIERS, ...OTHER_UNDERLIERS]),
    // The euro has a feed already, because it has a market.
    plainFeeds: { "GBP/USD": firstPrice("GBP"), "CHF/USD": firstPrice("CHF") },
    holders: everyoneOn(kit.chainId).map(({ index }) => kit.accounts[index] as Hex),
    susd: 10n ** 24n,
    keepers: [kit.accounts[KEEPER] as Hex],
  });
  const { protocol, feeds } = deploymentOf(synthetix);
  return {
    perp: null,
    synthetix,
    deployment: chainDeployment(kit.chainId, { protocols: [await withCodeHashes(kit, protocol)], feeds }),
    createMarket: (scenario) => createSynthetixMarket(synthetix, scenario),
  };
}

/** The protocol's part of a deployment with the code of its contracts and tokens. */
async function withCodeHashes(kit: Kit, protocol: ProtocolDeployment): Promise<ProtocolDeployment> {
  const { contracts, settlement, collateral = [] } = protocol;
  const addresses = [...Object.values(contracts), settlement.address, ...collateral.map((asset) => asset.address)];
  const codeHashes: Record<Hex, Hex> = {};
  for (const address of addresses) {
    const code = (await kit.rpc("eth_getCode", [address, "latest"])) as Hex;
    codeHashes[address] = toHex(keccak256(fromHex(code)));
  }
  return { ...protocol, codeHashes };
}

function firstPrices<T extends Priced>(of: readonly T[]): Record<T, bigint> {
  return Object.fromEntries(of.map((priced) => [priced, firstPrice(priced)])) as Record<T, bigint>;
}

function chainDeployment(chainId: number, parts: Pick<ChainDeployment, "protocols" | "feeds">): ChainDeployment {
  return { chainId, name: `devnet${chainId}`, startBlock: 1, ...CADENCE, ...parts };
}

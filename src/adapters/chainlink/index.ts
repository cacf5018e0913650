/**
 * Chainlink aggregators listed in a deployment's `feeds`: every new answer becomes an `ORACLE_PRICE` event, which all
 * models of the chain receive.
 *
 * A log does not say how many decimals its aggregator has, and decoding knows nothing but the log. So there is one
 * source for each number of decimals, which carries it in its name: `ChainlinkAggregator8`.
 */
import type { Abi } from "viem";
import { chainlinkAggregatorAbi } from "../../../abis/chainlink-aggregator.ts";
import type { Adapter, ContractSource, Decoded } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import { eventOf, type Log } from "../../core/event.ts";
import { rescaleDown } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { ChainDeployment } from "../../core/margin-model.ts";

const PREFIX = "ChainlinkAggregator";
const PRICE_DECIMALS = 18;
/** `ExchangeRates.addAggregator` of Synthetix refuses more; nothing that trades has them. */
const MAX_DECIMALS = 27;

/**
 * Sources of a chain's feeds, one for each number of decimals.
 * @throws InputError when a feed's decimals are not a whole number from 0 to 27.
 */
function sources(chain: ChainDeployment): readonly ContractSource[] {
  const addressesByDecimals = new Map<number, Set<Hex>>();
  for (const feed of chain.feeds) {
    if (!Number.isInteger(feed.decimals) || feed.decimals < 0 || feed.decimals > MAX_DECIMALS) {
      throw new InputError(`Feed ${feed.pair} has ${feed.decimals} decimals; expected a whole number from 0 to 27.`);
    }
    const addresses = addressesByDecimals.get(feed.decimals) ?? new Set<Hex>();
    addresses.add(feed.aggregator.toLowerCase() as Hex);
    addressesByDecimals.set(feed.decimals, addresses);
  }
  return [...addressesByDecimals]
    .sort(([a], [b]) => a - b)
    .map(([decimals, addresses]) => ({
      name: `${PREFIX}${decimals}`,
      abi: chainlinkAggregatorAbi as Abi,
      events: ["AnswerUpdated"],
      where: { kind: "addresses", addresses: [...addresses].sort() },
      startBlock: chain.startBlock,
    }));
}

/** `AnswerUpdated` to an `ORACLE_PRICE`; the price is scaled to 18 decimals, digits beyond them cut off. */
function decode(log: Log): Decoded {
  const decimals = /^ChainlinkAggregator(\d{1,2})$/.exec(log.source)?.[1];
  const { current, roundId, updatedAt } = log.args;
  if (decimals === undefined || log.name !== "AnswerUpdated") {
    return { events: [], rejected: `${log.source}.${log.name} is not an event of a price feed.` };
  }
  if (typeof current !== "bigint" || typeof roundId !== "bigint" || typeof updatedAt !== "bigint") {
    return { events: [], rejected: "AnswerUpdated lacks an integer current, roundId or updatedAt." };
  }
  const event = eventOf(log, {
    protocol: "chainlink",
    kind: "ORACLE_PRICE",
    price: rescaleDown(current, Number(decimals), PRICE_DECIMALS),
    payload: { event: "AnswerUpdated", current, roundId, updatedAt },
  });
  return { events: [event], rejected: null };
}

/** The feeds' adapter. It folds nothing: prices live in the book and in each protocol's model. */
export const chainlink: Adapter = {
  protocol: "chainlink",
  sources,
  decode,
  createModel: null,
  readAbis: { ChainlinkAggregator: chainlinkAggregatorAbi as Abi },
};

/**
 * PriceFeedDispatcher: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/oracle-contracts/contracts/PriceFeedDispatcher.sol/PriceFeedDispatcher.json. License of the source: GPL-3.0-or-later.
 */
export const priceFeedDispatcherAbi = [
  {
    type: "function",
    name: "getChainlinkPriceFeedV3",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "address" }],
  },
] as const;

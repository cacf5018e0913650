/**
 * ChainlinkPriceFeedV3: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/oracle-contracts/contracts/ChainlinkPriceFeedV3.sol/ChainlinkPriceFeedV3.json. License of the source: GPL-3.0-or-later.
 */
export const priceFeedAbi = [
  {
    type: "event",
    name: "ChainlinkPriceUpdated",
    inputs: [
      { name: "price", type: "uint256", indexed: false },
      { name: "timestamp", type: "uint256", indexed: false },
      { name: "freezedReason", type: "uint8", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getLastValidPrice",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "getLastValidTimestamp",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint256" }],
  },
] as const;

/**
 * ClearingHouseConfig: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/ClearingHouseConfig.sol/ClearingHouseConfig.json. License of the source: GPL-3.0-or-later.
 */
export const clearingHouseConfigAbi = [
  {
    type: "event",
    name: "MaxFundingRateChanged",
    inputs: [
      { name: "rate", type: "uint24", indexed: false },
    ],
  },
  {
    type: "event",
    name: "TwapIntervalChanged",
    inputs: [
      { name: "twapInterval", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "MarkPriceMarketTwapIntervalChanged",
    inputs: [
      { name: "twapInterval", type: "uint32", indexed: false },
    ],
  },
  {
    type: "event",
    name: "MarkPricePremiumIntervalChanged",
    inputs: [
      { name: "premiumInterval", type: "uint32", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getImRatio",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint24" }],
  },
  {
    type: "function",
    name: "getMmRatio",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint24" }],
  },
  {
    type: "function",
    name: "getTwapInterval",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint32" }],
  },
  {
    type: "function",
    name: "getMaxFundingRate",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint24" }],
  },
  {
    type: "function",
    name: "getMarkPriceConfig",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint32" }, { name: "", type: "uint32" }],
  },
] as const;

/**
 * Exchange: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/Exchange.sol/Exchange.json. License of the source: GPL-3.0-or-later.
 */
export const exchangeAbi = [
  {
    type: "event",
    name: "FundingUpdated",
    inputs: [
      { name: "baseToken", type: "address", indexed: true },
      { name: "marketTwap", type: "uint256", indexed: false },
      { name: "indexTwap", type: "uint256", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getAllPendingFundingPayment",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "pendingFundingPayment", type: "int256" }],
  },
  {
    type: "function",
    name: "getPendingFundingPayment",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }, { name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getSqrtMarketTwapX96",
    stateMutability: "view",
    inputs: [{ name: "baseToken", type: "address" }, { name: "twapInterval", type: "uint32" }],
    outputs: [{ name: "", type: "uint160" }],
  },
] as const;

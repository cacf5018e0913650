/**
 * MarketRegistry: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/MarketRegistry.sol/MarketRegistry.json. License of the source: GPL-3.0-or-later.
 */
export const marketRegistryAbi = [
  {
    type: "event",
    name: "PoolAdded",
    inputs: [
      { name: "baseToken", type: "address", indexed: true },
      { name: "feeRatio", type: "uint24", indexed: true },
      { name: "pool", type: "address", indexed: true },
    ],
  },
  {
    type: "event",
    name: "FeeRatioChanged",
    inputs: [
      { name: "baseToken", type: "address", indexed: false },
      { name: "feeRatio", type: "uint24", indexed: false },
    ],
  },
  {
    type: "event",
    name: "InsuranceFundFeeRatioChanged",
    inputs: [
      { name: "baseToken", type: "address", indexed: false },
      { name: "feeRatio", type: "uint24", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getFeeRatio",
    stateMutability: "view",
    inputs: [{ name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "uint24" }],
  },
  {
    type: "function",
    name: "getInsuranceFundFeeRatio",
    stateMutability: "view",
    inputs: [{ name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "uint24" }],
  },
] as const;

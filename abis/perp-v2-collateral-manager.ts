/**
 * CollateralManager: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/CollateralManager.sol/CollateralManager.json. License of the source: GPL-3.0-or-later.
 */
export const collateralManagerAbi = [
  {
    type: "event",
    name: "CollateralAdded",
    inputs: [
      { name: "token", type: "address", indexed: true },
      { name: "priceFeed", type: "address", indexed: false },
      { name: "collateralRatio", type: "uint24", indexed: false },
      { name: "discountRatio", type: "uint24", indexed: false },
      { name: "depositCap", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "CollateralRatioChanged",
    inputs: [
      { name: "token", type: "address", indexed: true },
      { name: "collateralRatio", type: "uint24", indexed: false },
    ],
  },
  {
    type: "event",
    name: "PriceFeedChanged",
    inputs: [
      { name: "token", type: "address", indexed: true },
      { name: "priceFeed", type: "address", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getCollateralConfig",
    stateMutability: "view",
    inputs: [{ name: "token", type: "address" }],
    outputs: [{ name: "", type: "tuple", components: [{ name: "priceFeed", type: "address" }, { name: "collateralRatio", type: "uint24" }, { name: "discountRatio", type: "uint24" }, { name: "depositCap", type: "uint256" }] }],
  },
] as const;

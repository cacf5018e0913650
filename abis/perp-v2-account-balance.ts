/**
 * AccountBalance: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/AccountBalance.sol/AccountBalance.json. License of the source: GPL-3.0-or-later.
 */
export const accountBalanceAbi = [
  {
    type: "event",
    name: "PnlRealized",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "amount", type: "int256", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getMarginRequirementForLiquidation",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getBaseTokens",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "address[]" }],
  },
  {
    type: "function",
    name: "getMarkPrice",
    stateMutability: "view",
    inputs: [{ name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "getTakerPositionSize",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }, { name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getTakerOpenNotional",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }, { name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getTotalPositionSize",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }, { name: "baseToken", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getTotalAbsPositionValue",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "getPnlAndPendingFee",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "int256" }, { name: "", type: "int256" }, { name: "", type: "uint256" }],
  },
] as const;

/**
 * BaseToken: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/BaseToken.sol/BaseToken.json. License of the source: GPL-3.0-or-later.
 */
export const baseTokenAbi = [
  {
    type: "event",
    name: "StatusUpdated",
    inputs: [
      { name: "status", type: "uint8", indexed: true },
    ],
  },
  {
    type: "event",
    name: "PriceFeedChanged",
    inputs: [
      { name: "priceFeed", type: "address", indexed: true },
    ],
  },
  {
    type: "function",
    name: "symbol",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "string" }],
  },
  {
    type: "function",
    name: "decimals",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint8" }],
  },
  {
    type: "function",
    name: "isOpen",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "bool" }],
  },
  {
    type: "function",
    name: "isClosed",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "bool" }],
  },
  {
    type: "function",
    name: "getPriceFeed",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "address" }],
  },
  {
    type: "function",
    name: "getClosedPrice",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "getIndexPrice",
    stateMutability: "view",
    inputs: [{ name: "interval", type: "uint256" }],
    outputs: [{ name: "", type: "uint256" }],
  },
] as const;

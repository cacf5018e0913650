/**
 * ClearingHouse: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/ClearingHouse.sol/ClearingHouse.json. License of the source: GPL-3.0-or-later.
 */
export const clearingHouseAbi = [
  {
    type: "event",
    name: "PositionChanged",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "baseToken", type: "address", indexed: true },
      { name: "exchangedPositionSize", type: "int256", indexed: false },
      { name: "exchangedPositionNotional", type: "int256", indexed: false },
      { name: "fee", type: "uint256", indexed: false },
      { name: "openNotional", type: "int256", indexed: false },
      { name: "realizedPnl", type: "int256", indexed: false },
      { name: "sqrtPriceAfterX96", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "PositionClosed",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "baseToken", type: "address", indexed: true },
      { name: "closedPositionSize", type: "int256", indexed: false },
      { name: "closedPositionNotional", type: "int256", indexed: false },
      { name: "openNotional", type: "int256", indexed: false },
      { name: "realizedPnl", type: "int256", indexed: false },
      { name: "closedPrice", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "PositionLiquidated",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "baseToken", type: "address", indexed: true },
      { name: "positionNotional", type: "uint256", indexed: false },
      { name: "positionSize", type: "uint256", indexed: false },
      { name: "liquidationFee", type: "uint256", indexed: false },
      { name: "liquidator", type: "address", indexed: false },
    ],
  },
  {
    type: "event",
    name: "LiquidityChanged",
    inputs: [
      { name: "maker", type: "address", indexed: true },
      { name: "baseToken", type: "address", indexed: true },
      { name: "quoteToken", type: "address", indexed: true },
      { name: "lowerTick", type: "int24", indexed: false },
      { name: "upperTick", type: "int24", indexed: false },
      { name: "base", type: "int256", indexed: false },
      { name: "quote", type: "int256", indexed: false },
      { name: "liquidity", type: "int128", indexed: false },
      { name: "quoteFee", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "FundingPaymentSettled",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "baseToken", type: "address", indexed: true },
      { name: "fundingPayment", type: "int256", indexed: false },
    ],
  },
  {
    type: "function",
    name: "getAccountValue",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
] as const;

/**
 * Vault: the events folded and the view functions read.
 * Source: npm @perp/curie-deployments 2023.4.12-1681295833590, optimism/core/artifacts/contracts/Vault.sol/Vault.json. License of the source: GPL-3.0-or-later.
 */
export const vaultAbi = [
  {
    type: "event",
    name: "Deposited",
    inputs: [
      { name: "collateralToken", type: "address", indexed: true },
      { name: "trader", type: "address", indexed: true },
      { name: "amount", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "Withdrawn",
    inputs: [
      { name: "collateralToken", type: "address", indexed: true },
      { name: "trader", type: "address", indexed: true },
      { name: "amount", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "CollateralLiquidated",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "collateralToken", type: "address", indexed: true },
      { name: "liquidator", type: "address", indexed: true },
      { name: "collateral", type: "uint256", indexed: false },
      { name: "repaidSettlementWithoutInsuranceFundFeeX10_S", type: "uint256", indexed: false },
      { name: "insuranceFundFeeX10_S", type: "uint256", indexed: false },
      { name: "discountRatio", type: "uint24", indexed: false },
    ],
  },
  {
    type: "event",
    name: "BadDebtSettled",
    inputs: [
      { name: "trader", type: "address", indexed: true },
      { name: "amount", type: "uint256", indexed: false },
    ],
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
    name: "getAccountValue",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getBalanceByToken",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }, { name: "token", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
  {
    type: "function",
    name: "getCollateralTokens",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "address[]" }],
  },
  {
    type: "function",
    name: "getFreeCollateral",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "getSettlementTokenValue",
    stateMutability: "view",
    inputs: [{ name: "trader", type: "address" }],
    outputs: [{ name: "", type: "int256" }],
  },
] as const;

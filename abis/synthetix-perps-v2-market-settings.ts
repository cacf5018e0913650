/**
 * `PerpsV2MarketSettings`: parameters of each market, and those all markets share.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixPerpsV2MarketSettingsAbi = [
  { type: "event", name: "ParameterUpdated", inputs: [{ name: "marketKey", type: "bytes32", indexed: true }, { name: "parameter", type: "bytes32", indexed: true }, { name: "value", type: "uint256", indexed: false }] },
  { type: "event", name: "MinKeeperFeeUpdated", inputs: [{ name: "sUSD", type: "uint256", indexed: false }] },
  { type: "event", name: "MaxKeeperFeeUpdated", inputs: [{ name: "sUSD", type: "uint256", indexed: false }] },
  { type: "event", name: "LiquidationFeeRatioUpdated", inputs: [{ name: "bps", type: "uint256", indexed: false }] },
  { type: "event", name: "MinInitialMarginUpdated", inputs: [{ name: "minMargin", type: "uint256", indexed: false }] },
  { type: "event", name: "KeeperLiquidationFeeUpdated", inputs: [{ name: "keeperFee", type: "uint256", indexed: false }] },
  { type: "function", name: "parameters", stateMutability: "view", inputs: [{ name: "_marketKey", type: "bytes32" }], outputs: [{ name: "", type: "tuple", components: [{ name: "takerFee", type: "uint256" }, { name: "makerFee", type: "uint256" }, { name: "takerFeeDelayedOrder", type: "uint256" }, { name: "makerFeeDelayedOrder", type: "uint256" }, { name: "takerFeeOffchainDelayedOrder", type: "uint256" }, { name: "makerFeeOffchainDelayedOrder", type: "uint256" }, { name: "maxLeverage", type: "uint256" }, { name: "maxMarketValue", type: "uint256" }, { name: "maxFundingVelocity", type: "uint256" }, { name: "skewScale", type: "uint256" }, { name: "nextPriceConfirmWindow", type: "uint256" }, { name: "delayedOrderConfirmWindow", type: "uint256" }, { name: "minDelayTimeDelta", type: "uint256" }, { name: "maxDelayTimeDelta", type: "uint256" }, { name: "offchainDelayedOrderMinAge", type: "uint256" }, { name: "offchainDelayedOrderMaxAge", type: "uint256" }, { name: "offchainMarketKey", type: "bytes32" }, { name: "offchainPriceDivergence", type: "uint256" }, { name: "liquidationPremiumMultiplier", type: "uint256" }, { name: "liquidationBufferRatio", type: "uint256" }, { name: "maxLiquidationDelta", type: "uint256" }, { name: "maxPD", type: "uint256" }] }] },
  { type: "function", name: "skewScale", stateMutability: "view", inputs: [{ name: "_marketKey", type: "bytes32" }], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "liquidationPremiumMultiplier", stateMutability: "view", inputs: [{ name: "_marketKey", type: "bytes32" }], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "liquidationBufferRatio", stateMutability: "view", inputs: [{ name: "_marketKey", type: "bytes32" }], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "minKeeperFee", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "maxKeeperFee", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "liquidationFeeRatio", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "minInitialMargin", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "keeperLiquidationFee", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
] as const;

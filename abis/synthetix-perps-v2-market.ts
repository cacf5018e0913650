/**
 * A Perps v2 market behind its proxy (`ProxyPerpsV2`): the events that change margin, and the views compared with.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixPerpsV2MarketAbi = [
  { type: "event", name: "PositionModified", inputs: [{ name: "id", type: "uint256", indexed: true }, { name: "account", type: "address", indexed: true }, { name: "margin", type: "uint256", indexed: false }, { name: "size", type: "int256", indexed: false }, { name: "tradeSize", type: "int256", indexed: false }, { name: "lastPrice", type: "uint256", indexed: false }, { name: "fundingIndex", type: "uint256", indexed: false }, { name: "fee", type: "uint256", indexed: false }, { name: "skew", type: "int256", indexed: false }] },
  { type: "event", name: "MarginTransferred", inputs: [{ name: "account", type: "address", indexed: true }, { name: "marginDelta", type: "int256", indexed: false }] },
  { type: "event", name: "FundingRecomputed", inputs: [{ name: "funding", type: "int256", indexed: false }, { name: "fundingRate", type: "int256", indexed: false }, { name: "index", type: "uint256", indexed: false }, { name: "timestamp", type: "uint256", indexed: false }] },
  { type: "event", name: "PositionFlagged", inputs: [{ name: "id", type: "uint256", indexed: false }, { name: "account", type: "address", indexed: false }, { name: "flagger", type: "address", indexed: false }, { name: "price", type: "uint256", indexed: false }, { name: "timestamp", type: "uint256", indexed: false }] },
  { type: "event", name: "PositionLiquidated", inputs: [{ name: "id", type: "uint256", indexed: false }, { name: "account", type: "address", indexed: false }, { name: "liquidator", type: "address", indexed: false }, { name: "size", type: "int256", indexed: false }, { name: "price", type: "uint256", indexed: false }, { name: "flaggerFee", type: "uint256", indexed: false }, { name: "liquidatorFee", type: "uint256", indexed: false }, { name: "stakersFee", type: "uint256", indexed: false }] },
  { type: "function", name: "baseAsset", stateMutability: "view", inputs: [], outputs: [{ name: "key", type: "bytes32" }] },
  { type: "function", name: "marketKey", stateMutability: "view", inputs: [], outputs: [{ name: "key", type: "bytes32" }] },
  { type: "function", name: "marketSize", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint128" }] },
  { type: "function", name: "marketSkew", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "int128" }] },
  { type: "function", name: "fundingSequenceLength", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "fundingSequence", stateMutability: "view", inputs: [{ name: "index", type: "uint256" }], outputs: [{ name: "", type: "int128" }] },
  { type: "function", name: "fundingRateLastRecomputed", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "int128" }] },
  { type: "function", name: "fundingLastRecomputed", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint32" }] },
  { type: "function", name: "marketDebt", stateMutability: "view", inputs: [], outputs: [{ name: "debt", type: "uint256" }, { name: "isInvalid", type: "bool" }] },
  { type: "function", name: "assetPrice", stateMutability: "view", inputs: [], outputs: [{ name: "price", type: "uint256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "currentFundingRate", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "int256" }] },
  { type: "function", name: "currentFundingVelocity", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "int256" }] },
  { type: "function", name: "unrecordedFunding", stateMutability: "view", inputs: [], outputs: [{ name: "funding", type: "int256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "positions", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "", type: "tuple", components: [{ name: "id", type: "uint64" }, { name: "lastFundingIndex", type: "uint64" }, { name: "margin", type: "uint128" }, { name: "lastPrice", type: "uint128" }, { name: "size", type: "int128" }] }] },
  { type: "function", name: "remainingMargin", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "marginRemaining", type: "uint256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "accessibleMargin", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "marginAccessible", type: "uint256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "liquidationPrice", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "price", type: "uint256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "liquidationFee", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "", type: "uint256" }] },
  { type: "function", name: "canLiquidate", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "", type: "bool" }] },
  { type: "function", name: "accruedFunding", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "funding", type: "int256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "profitLoss", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "pnl", type: "int256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "notionalValue", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "value", type: "int256" }, { name: "invalid", type: "bool" }] },
  { type: "function", name: "isFlagged", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "", type: "bool" }] },
] as const;

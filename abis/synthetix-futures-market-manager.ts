/**
 * `FuturesMarketManager`: the registry of markets.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixFuturesMarketManagerAbi = [
  { type: "event", name: "MarketAdded", inputs: [{ name: "market", type: "address", indexed: false }, { name: "asset", type: "bytes32", indexed: true }, { name: "marketKey", type: "bytes32", indexed: true }] },
  { type: "event", name: "MarketRemoved", inputs: [{ name: "market", type: "address", indexed: false }, { name: "asset", type: "bytes32", indexed: true }, { name: "marketKey", type: "bytes32", indexed: true }] },
  { type: "function", name: "allMarkets", stateMutability: "view", inputs: [{ name: "proxiedMarkets", type: "bool" }], outputs: [{ name: "", type: "address[]" }] },
  { type: "function", name: "marketForKey", stateMutability: "view", inputs: [{ name: "marketKey", type: "bytes32" }], outputs: [{ name: "", type: "address" }] },
] as const;

/**
 * `ExchangeRates`: which aggregator prices an asset, and how long a rate stays valid.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixExchangeRatesAbi = [
  { type: "event", name: "AggregatorAdded", inputs: [{ name: "currencyKey", type: "bytes32", indexed: false }, { name: "aggregator", type: "address", indexed: false }] },
  { type: "event", name: "AggregatorRemoved", inputs: [{ name: "currencyKey", type: "bytes32", indexed: false }, { name: "aggregator", type: "address", indexed: false }] },
  { type: "function", name: "aggregators", stateMutability: "view", inputs: [{ name: "", type: "bytes32" }], outputs: [{ name: "", type: "address" }] },
  { type: "function", name: "rateStalePeriod", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
] as const;

/**
 * `SystemStatus`: suspension of the system, of exchanging, of futures, of one market or of one asset.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixSystemStatusAbi = [
  { type: "event", name: "SystemSuspended", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "SystemResumed", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "ExchangeSuspended", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "ExchangeResumed", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "FuturesSuspended", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "FuturesResumed", inputs: [{ name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "FuturesMarketSuspended", inputs: [{ name: "marketKey", type: "bytes32", indexed: false }, { name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "FuturesMarketResumed", inputs: [{ name: "marketKey", type: "bytes32", indexed: false }, { name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "SynthSuspended", inputs: [{ name: "currencyKey", type: "bytes32", indexed: false }, { name: "reason", type: "uint256", indexed: false }] },
  { type: "event", name: "SynthResumed", inputs: [{ name: "currencyKey", type: "bytes32", indexed: false }, { name: "reason", type: "uint256", indexed: false }] },
  { type: "function", name: "systemSuspension", stateMutability: "view", inputs: [], outputs: [{ name: "suspended", type: "bool" }, { name: "reason", type: "uint248" }] },
  { type: "function", name: "exchangeSuspension", stateMutability: "view", inputs: [], outputs: [{ name: "suspended", type: "bool" }, { name: "reason", type: "uint248" }] },
  { type: "function", name: "futuresSuspension", stateMutability: "view", inputs: [], outputs: [{ name: "suspended", type: "bool" }, { name: "reason", type: "uint248" }] },
  { type: "function", name: "futuresMarketSuspension", stateMutability: "view", inputs: [{ name: "", type: "bytes32" }], outputs: [{ name: "suspended", type: "bool" }, { name: "reason", type: "uint248" }] },
  { type: "function", name: "synthSuspension", stateMutability: "view", inputs: [{ name: "", type: "bytes32" }], outputs: [{ name: "suspended", type: "bool" }, { name: "reason", type: "uint248" }] },
] as const;

/**
 * A Chainlink price aggregator: `AggregatorV2V3Interface`, as far as it is used.
 * Source: npm @chainlink/contracts@0.0.10, src/v0.5/interfaces/AggregatorV2V3Interface.sol. License of the source: MIT.
 */
export const chainlinkAggregatorAbi = [
  { type: "event", name: "AnswerUpdated", inputs: [{ name: "current", type: "int256", indexed: true }, { name: "roundId", type: "uint256", indexed: true }, { name: "updatedAt", type: "uint256", indexed: false }] },
  { type: "function", name: "latestRoundData", stateMutability: "view", inputs: [], outputs: [{ name: "roundId", type: "uint80" }, { name: "answer", type: "int256" }, { name: "startedAt", type: "uint256" }, { name: "updatedAt", type: "uint256" }, { name: "answeredInRound", type: "uint80" }] },
  { type: "function", name: "decimals", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint8" }] },
] as const;

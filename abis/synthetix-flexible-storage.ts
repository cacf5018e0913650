/**
 * `FlexibleStorage`: where `SystemSettings` keeps the rate stale period, which has an event nowhere else.
 * Source: npm synthetix@2.102.1, publish/deployed/mainnet-ovm/deployment.json. License of the source: MIT.
 */
export const synthetixFlexibleStorageAbi = [
  { type: "event", name: "ValueSetUInt", inputs: [{ name: "contractName", type: "bytes32", indexed: false }, { name: "record", type: "bytes32", indexed: false }, { name: "value", type: "uint256", indexed: false }] },
] as const;

/**
 * A protocol that asks for proof of a rule's condition.
 * Source: contracts/ComplianceGate.sol of this project, by contracts/compile.ts. License of the source: Apache-2.0.
 */
export const complianceGateAbi = [
  { type: "constructor", inputs: [{ type: "tuple", name: "terms", components: [{ type: "address", name: "anchor" }, { type: "string", name: "protocol" }, { type: "string", name: "ruleId" }, { type: "bytes32", name: "rulebookHash" }, { type: "bytes32", name: "deploymentHash" }, { type: "string", name: "kernel" }, { type: "uint64", name: "maxAgeBlocks" }] }], stateMutability: "nonpayable" },
  { type: "error", name: "AnotherAccount", inputs: [] },
  { type: "error", name: "AnotherBody", inputs: [] },
  { type: "error", name: "AnotherChain", inputs: [{ type: "uint64", name: "chainId" }] },
  { type: "error", name: "AnotherDeployment", inputs: [] },
  { type: "error", name: "AnotherKernel", inputs: [] },
  { type: "error", name: "AnotherRule", inputs: [] },
  { type: "error", name: "AnotherRulebook", inputs: [] },
  { type: "error", name: "ConditionNotMet", inputs: [] },
  { type: "error", name: "EpochAhead", inputs: [{ type: "uint64", name: "epochBlock" }] },
  { type: "error", name: "NotAnEpoch", inputs: [{ type: "uint8", name: "kind" }] },
  { type: "error", name: "NotInEpoch", inputs: [] },
  { type: "error", name: "StaleEpoch", inputs: [{ type: "uint64", name: "epochBlock" }, { type: "uint256", name: "oldestBlock" }] },
  { type: "event", name: "Acted", anonymous: false, inputs: [{ type: "address", name: "account", indexed: true }, { type: "uint64", name: "epochBlock", indexed: false }] },
  { type: "function", name: "act", inputs: [{ type: "tuple", name: "proof", components: [{ type: "bytes", name: "epochLeaf" }, { type: "tuple", name: "inLog", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }, { type: "bytes", name: "epochBody" }, { type: "tuple", name: "places", components: [{ type: "uint16", name: "assessmentRoot" }, { type: "uint16", name: "deploymentHash" }, { type: "uint16", name: "kernel" }, { type: "uint16", name: "rulebookHash" }] }, { type: "bytes", name: "ruleLeaf" }, { type: "tuple", name: "inAccount", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }, { type: "tuple", name: "inEpoch", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }] }], outputs: [], stateMutability: "nonpayable" },
  { type: "function", name: "anchor", inputs: [], outputs: [{ type: "address", name: "" }], stateMutability: "view" },
  { type: "function", name: "deploymentHash", inputs: [], outputs: [{ type: "bytes32", name: "" }], stateMutability: "view" },
  { type: "function", name: "kernel", inputs: [], outputs: [{ type: "string", name: "" }], stateMutability: "view" },
  { type: "function", name: "maxAgeBlocks", inputs: [], outputs: [{ type: "uint64", name: "" }], stateMutability: "view" },
  { type: "function", name: "protocol", inputs: [], outputs: [{ type: "string", name: "" }], stateMutability: "view" },
  { type: "function", name: "requireMet", inputs: [{ type: "address", name: "account" }, { type: "tuple", name: "proof", components: [{ type: "bytes", name: "epochLeaf" }, { type: "tuple", name: "inLog", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }, { type: "bytes", name: "epochBody" }, { type: "tuple", name: "places", components: [{ type: "uint16", name: "assessmentRoot" }, { type: "uint16", name: "deploymentHash" }, { type: "uint16", name: "kernel" }, { type: "uint16", name: "rulebookHash" }] }, { type: "bytes", name: "ruleLeaf" }, { type: "tuple", name: "inAccount", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }, { type: "tuple", name: "inEpoch", components: [{ type: "uint64", name: "index" }, { type: "uint64", name: "size" }, { type: "bytes32[]", name: "proof" }] }] }], outputs: [{ type: "uint64", name: "epochBlock" }], stateMutability: "view" },
  { type: "function", name: "ruleId", inputs: [], outputs: [{ type: "string", name: "" }], stateMutability: "view" },
  { type: "function", name: "rulebookHash", inputs: [], outputs: [{ type: "bytes32", name: "" }], stateMutability: "view" },
] as const;

/**
 * Heads of a log, published on a chain.
 * Source: contracts/CheckpointAnchor.sol of this project, by contracts/compile.ts. License of the source: Apache-2.0.
 */
export const checkpointAnchorAbi = [
  { type: "constructor", inputs: [{ type: "address", name: "owner_" }, { type: "bytes32", name: "originHash_" }], stateMutability: "nonpayable" },
  { type: "error", name: "AnotherRoot", inputs: [{ type: "uint64", name: "size" }, { type: "bytes32", name: "root" }, { type: "bytes32", name: "publishedRoot" }] },
  { type: "error", name: "HeadNotAnchored", inputs: [{ type: "uint64", name: "size" }] },
  { type: "error", name: "InconsistentHead", inputs: [{ type: "uint64", name: "size" }, { type: "uint64", name: "latestSize" }] },
  { type: "error", name: "LeafNotIncluded", inputs: [{ type: "uint64", name: "size" }, { type: "uint64", name: "index" }] },
  { type: "error", name: "MisplacedField", inputs: [{ type: "uint8", name: "kind" }, { type: "string", name: "field" }] },
  { type: "error", name: "NoTree", inputs: [] },
  { type: "error", name: "NotOwner", inputs: [{ type: "address", name: "sender" }] },
  { type: "error", name: "SmallerHead", inputs: [{ type: "uint64", name: "size" }, { type: "uint64", name: "latestSize" }] },
  { type: "error", name: "UnknownKind", inputs: [{ type: "uint8", name: "kind" }] },
  { type: "error", name: "UnknownOutcome", inputs: [{ type: "uint8", name: "outcome" }] },
  { type: "error", name: "UnknownVersion", inputs: [{ type: "uint8", name: "version" }] },
  { type: "error", name: "WrongLength", inputs: [{ type: "uint256", name: "length" }] },
  { type: "event", name: "HeadPublished", anonymous: false, inputs: [{ type: "uint64", name: "oldSize", indexed: false }, { type: "bytes32", name: "oldRoot", indexed: false }, { type: "uint64", name: "newSize", indexed: true }, { type: "bytes32", name: "newRoot", indexed: false }] },
  { type: "function", name: "isConsistent", inputs: [{ type: "uint64", name: "oldSize" }, { type: "bytes32", name: "oldRoot" }, { type: "uint64", name: "newSize" }, { type: "bytes32", name: "newRoot" }, { type: "bytes32[]", name: "proof" }], outputs: [{ type: "bool", name: "" }], stateMutability: "view" },
  { type: "function", name: "isIncluded", inputs: [{ type: "bytes32", name: "root" }, { type: "uint64", name: "size" }, { type: "uint64", name: "index" }, { type: "bytes32", name: "leafHash" }, { type: "bytes32[]", name: "proof" }], outputs: [{ type: "bool", name: "" }], stateMutability: "view" },
  { type: "function", name: "latestSize", inputs: [], outputs: [{ type: "uint64", name: "" }], stateMutability: "view" },
  { type: "function", name: "originHash", inputs: [], outputs: [{ type: "bytes32", name: "" }], stateMutability: "view" },
  { type: "function", name: "owner", inputs: [], outputs: [{ type: "address", name: "" }], stateMutability: "view" },
  { type: "function", name: "parseLeaf", inputs: [{ type: "bytes", name: "leaf" }], outputs: [{ type: "tuple", name: "", components: [{ type: "uint8", name: "kind" }, { type: "uint64", name: "chainId" }, { type: "uint64", name: "blockNumber" }, { type: "bytes32", name: "blockHash" }, { type: "bytes32", name: "subjectHash" }, { type: "bytes32", name: "ruleHash" }, { type: "uint8", name: "outcome" }, { type: "bytes32", name: "bodyHash" }] }], stateMutability: "pure" },
  { type: "function", name: "publish", inputs: [{ type: "uint64", name: "size" }, { type: "bytes32", name: "root" }, { type: "bytes32[]", name: "proof" }], outputs: [], stateMutability: "nonpayable" },
  { type: "function", name: "readLeaf", inputs: [{ type: "uint64", name: "size" }, { type: "uint64", name: "index" }, { type: "bytes", name: "leaf" }, { type: "bytes32[]", name: "proof" }], outputs: [{ type: "tuple", name: "", components: [{ type: "uint8", name: "kind" }, { type: "uint64", name: "chainId" }, { type: "uint64", name: "blockNumber" }, { type: "bytes32", name: "blockHash" }, { type: "bytes32", name: "subjectHash" }, { type: "bytes32", name: "ruleHash" }, { type: "uint8", name: "outcome" }, { type: "bytes32", name: "bodyHash" }] }], stateMutability: "view" },
  { type: "function", name: "rootAt", inputs: [{ type: "uint64", name: "size" }], outputs: [{ type: "bytes32", name: "root" }], stateMutability: "view" },
] as const;

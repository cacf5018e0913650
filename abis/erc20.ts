/**
 * A token's balance view.
 * Source: EIP-20, https://eips.ethereum.org/EIPS/eip-20. License of the source: CC0-1.0.
 */
export const erc20Abi = [
  { type: "function", name: "balanceOf", stateMutability: "view", inputs: [{ name: "account", type: "address" }], outputs: [{ name: "", type: "uint256" }] },
] as const;

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// The Merkle tree of Certificate Transparency over SHA-256. Sizes and indexes are below 2^64.
/// See https://www.rfc-editor.org/rfc/rfc9162.html section 2.1.
library MerkleTree {
    bytes1 private constant LEAF_PREFIX = 0x00;

    /// Hash of a leaf's bytes.
    function leafHash(bytes memory data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(LEAF_PREFIX, data));
    }

    /// Hash of an inner node: of a one byte and its two children.
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Memory behind the free pointer may be written to without being taken.
            let input := mload(0x40)
            mstore8(input, 1)
            mstore(add(input, 1), left)
            mstore(add(input, 33), right)
            // Address 2 is SHA-256. A chain without it would answer nothing; what is in memory must not pass for a hash.
            if iszero(and(eq(returndatasize(), 32), staticcall(gas(), 2, input, 65, 0, 32))) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// The root that a proof leads to from leaf number `index` of a tree of `size` leaves. `fits` is false when there is
    /// no such leaf or the proof has not the length that its place asks for.
    function rootFrom(bytes32 leaf, uint64 index, uint64 size, bytes32[] calldata proof)
        internal
        view
        returns (bool fits, bytes32 root)
    {
        if (index >= size) return (false, 0);
        uint256 node = index;
        uint256 last = size - 1;
        root = leaf;
        for (uint256 i = 0; i < proof.length; i++) {
            if (last == 0) return (false, 0);
            if (node & 1 == 1 || node == last) {
                root = nodeHash(proof[i], root);
                (node, last) = skipLone(node, last);
            } else {
                root = nodeHash(root, proof[i]);
            }
            node >>= 1;
            last >>= 1;
        }
        fits = last == 0;
    }

    /// Whether the tree of `oldSize` leaves is the beginning of the tree of `newSize`. Never of the empty tree, which is
    /// the beginning of anything.
    function isConsistent(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (oldSize == 0 || oldSize > newSize) return false;
        if (oldSize == newSize) return proof.length == 0 && oldRoot == newRoot;
        // When the old tree is complete it is itself the node to start from, and the proof leaves it out.
        bool isComplete = oldSize & (oldSize - 1) == 0;
        if (proof.length == 0) return false;
        bytes32 old = isComplete ? oldRoot : proof[0];
        bytes32 grown = old;
        uint256 node = oldSize - 1;
        uint256 last = newSize - 1;
        while (node & 1 == 1) {
            node >>= 1;
            last >>= 1;
        }
        for (uint256 i = isComplete ? 0 : 1; i < proof.length; i++) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                old = nodeHash(proof[i], old);
                grown = nodeHash(proof[i], grown);
                (node, last) = skipLone(node, last);
            } else {
                grown = nodeHash(grown, proof[i]);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && old == oldRoot && grown == newRoot;
    }

    /// A last node that is a left child has no neighbour and moves up as it is.
    function skipLone(uint256 node, uint256 last) private pure returns (uint256, uint256) {
        while (node & 1 == 0 && node != 0) {
            node >>= 1;
            last >>= 1;
        }
        return (node, last);
    }
}

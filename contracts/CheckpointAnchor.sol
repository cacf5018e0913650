// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogLeaf} from "./LogLeaf.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// Heads of one log, each proven to be the beginning of the next, and its leaves for other contracts.
///
/// What the contract promises, whoever holds the owner's key: a published head stays, at one size there is one root, and
/// every later head has the same leaves in the same places. It does not promise that a leaf says what is true.
contract CheckpointAnchor {
    /// The only account that may publish. A lost or stolen key is replaced by another anchor.
    address public immutable owner;
    /// SHA-256 of the log's origin, the first line of its checkpoints.
    bytes32 public immutable originHash;
    /// Size of the last published head, 0 before the first.
    uint64 public latestSize;
    /// Root of the published head of a size, zero where none is published.
    mapping(uint64 size => bytes32 root) public rootAt;

    /// A head follows another. The old size and root are zero for the first.
    event HeadPublished(uint64 oldSize, bytes32 oldRoot, uint64 indexed newSize, bytes32 newRoot);

    error NotOwner(address sender);
    error NoTree();
    error SmallerHead(uint64 size, uint64 latestSize);
    error AnotherRoot(uint64 size, bytes32 root, bytes32 publishedRoot);
    error InconsistentHead(uint64 size, uint64 latestSize);
    error HeadNotAnchored(uint64 size);
    error LeafNotIncluded(uint64 size, uint64 index);

    constructor(address owner_, bytes32 originHash_) {
        owner = owner_;
        originHash = originHash_;
    }

    /// Publishes a head. `proof` is the RFC 6962 consistency proof from the last one, and empty for the first. What is
    /// published already may be published again, which changes nothing: a sender that did not see its transaction mined
    /// can repeat it.
    function publish(uint64 size, bytes32 root, bytes32[] calldata proof) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (size == 0 || root == 0) revert NoTree();
        uint64 oldSize = latestSize;
        bytes32 oldRoot = rootAt[oldSize];
        if (size < oldSize) revert SmallerHead(size, oldSize);
        if (size == oldSize && root != oldRoot) revert AnotherRoot(size, root, oldRoot);
        bool follows = oldSize == 0 ? proof.length == 0 : MerkleTree.isConsistent(oldSize, oldRoot, size, root, proof);
        if (!follows) revert InconsistentHead(size, oldSize);
        if (size == oldSize) return;
        latestSize = size;
        rootAt[size] = root;
        emit HeadPublished(oldSize, oldRoot, size, root);
    }

    /// The fields of leaf number `index` of the log, for other contracts. Reverts unless the proof shows that it is in the
    /// published head of `size`.
    function readLeaf(uint64 size, uint64 index, bytes calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (LogLeaf.Fields memory)
    {
        bytes32 root = rootAt[size];
        if (root == 0) revert HeadNotAnchored(size);
        if (!isIncluded(root, size, index, MerkleTree.leafHash(leaf), proof)) revert LeafNotIncluded(size, index);
        return LogLeaf.parse(leaf);
    }

    /// The fields of any leaf, published or not. Reverts for bytes that are no leaf.
    function parseLeaf(bytes calldata leaf) external pure returns (LogLeaf.Fields memory) {
        return LogLeaf.parse(leaf);
    }

    /// Whether `proof` shows that `leafHash` is leaf number `index` of the tree of `size` leaves with this root.
    function isIncluded(bytes32 root, uint64 size, uint64 index, bytes32 leafHash, bytes32[] calldata proof)
        public
        view
        returns (bool)
    {
        (bool fits, bytes32 found) = MerkleTree.rootFrom(leafHash, index, size, proof);
        return fits && found == root;
    }

    /// Whether `proof` shows that one tree is the beginning of another. Never of the empty tree.
    function isConsistent(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return MerkleTree.isConsistent(oldSize, oldRoot, newSize, newRoot, proof);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckpointAnchor} from "./CheckpointAnchor.sol";
import {LogLeaf} from "./LogLeaf.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {Text} from "./Text.sol";

/// An example of a protocol that lets an account act only while a rule's condition is met for it, by a log that somebody
/// else keeps. What the rule measures, and how, is in the rulebook that the gate names by its hash.
///
/// The way from the anchored head to the account: the head's root → the leaf of an epoch → the hash of the epoch's body →
/// in it the root over all assessments → the account's leaf, with the root over its own → the leaf of the rule. All texts
/// on the way have one canonical form, so the gate never searches: it writes what must be there, or looks for it where
/// the caller says it is.
contract ComplianceGate {
    using Text for address;
    using Text for bytes32;
    using Text for uint256;

    /// What the gate asks for. All of it is part of what is sealed, so that no proof made for something else fits.
    struct Terms {
        CheckpointAnchor anchor;
        /// Id of the protocol the account is judged in: `eip155:901/perp-v2`.
        string protocol;
        /// Id of a rule about accounts.
        string ruleId;
        bytes32 rulebookHash;
        bytes32 deploymentHash;
        string kernel;
        /// How many blocks ago the epoch may have ended.
        uint64 maxAgeBlocks;
    }

    /// A place in a tree whose root is known: which of how many leaves, and the hashes from its sibling up.
    struct Path {
        uint64 index;
        uint64 size;
        bytes32[] proof;
    }

    /// Where in the epoch's body a member begins: the offset of the comma before its name.
    struct Places {
        uint16 assessmentRoot;
        uint16 deploymentHash;
        uint16 kernel;
        uint16 rulebookHash;
    }

    struct Proof {
        /// The epoch's leaf in the log; the path's size is that of an anchored head.
        bytes epochLeaf;
        Path inLog;
        /// Canonical body of the epoch.
        bytes epochBody;
        Places places;
        /// Leaf of the rule in the account's own tree: `["<protocol>|<account>|<rule>",{"condition":"met",…}]`.
        bytes ruleLeaf;
        Path inAccount;
        /// The account's leaf in the epoch's tree follows from the above.
        Path inEpoch;
    }

    CheckpointAnchor public immutable anchor;
    uint64 public immutable maxAgeBlocks;
    string public protocol;
    string public ruleId;
    bytes32 public immutable rulebookHash;
    bytes32 public immutable deploymentHash;
    string public kernel;

    // What must be found, as length and hash, because reading a text from storage costs more.
    uint256 private immutable accountPrefixLength;
    bytes32 private immutable accountPrefixText;
    uint256 private immutable ruleLength;
    bytes32 private immutable ruleText;
    uint256 private immutable kernelLength;
    bytes32 private immutable kernelText;
    bytes32 private immutable deploymentText;
    bytes32 private immutable rulebookText;

    uint256 private constant ADDRESS_DIGITS = 40;
    /// Length of `,"deploymentHash":"0x…"` and of the two others.
    uint256 private constant DEPLOYMENT_LENGTH = 86;
    uint256 private constant RULEBOOK_LENGTH = 84;
    uint256 private constant ROOT_LENGTH = 86;
    string private constant MET = '{"condition":"met",';

    event Acted(address indexed account, uint64 epochBlock);

    error NotAnEpoch(LogLeaf.Kind kind);
    error AnotherChain(uint64 chainId);
    error EpochAhead(uint64 epochBlock);
    error StaleEpoch(uint64 epochBlock, uint256 oldestBlock);
    error AnotherBody();
    error AnotherDeployment();
    error AnotherKernel();
    error AnotherRulebook();
    error AnotherAccount();
    error AnotherRule();
    error NotInEpoch();
    error ConditionNotMet();

    constructor(Terms memory terms) {
        anchor = terms.anchor;
        maxAgeBlocks = terms.maxAgeBlocks;
        protocol = terms.protocol;
        ruleId = terms.ruleId;
        rulebookHash = terms.rulebookHash;
        deploymentHash = terms.deploymentHash;
        kernel = terms.kernel;
        bytes memory prefix = abi.encodePacked('["', terms.protocol, "|eip155:", block.chainid.decimalOf(), ":0x");
        (accountPrefixLength, accountPrefixText) = (prefix.length, keccak256(prefix));
        bytes memory rule = abi.encodePacked("|", terms.ruleId, '",');
        (ruleLength, ruleText) = (rule.length, keccak256(rule));
        bytes memory code = abi.encodePacked(',"kernel":"', terms.kernel, '"');
        (kernelLength, kernelText) = (code.length, keccak256(code));
        deploymentText = keccak256(abi.encodePacked(',"deploymentHash":"0x', terms.deploymentHash.hexOf(), '"'));
        rulebookText = keccak256(abi.encodePacked(',"rulebookHash":"0x', terms.rulebookHash.hexOf(), '"'));
    }

    /// What only a compliant account may do.
    function act(Proof calldata proof) external {
        uint64 epochBlock = requireMet(msg.sender, proof);
        emit Acted(msg.sender, epochBlock);
    }

    /// Reverts unless the proof shows that the condition is met for the account. Returns the block it was met at.
    function requireMet(address account, Proof calldata proof) public view returns (uint64 epochBlock) {
        LogLeaf.Fields memory epoch = anchor.readLeaf(
            proof.inLog.size, proof.inLog.index, proof.epochLeaf, proof.inLog.proof
        );
        if (epoch.kind != LogLeaf.Kind.Epoch) revert NotAnEpoch(epoch.kind);
        if (epoch.chainId != block.chainid) revert AnotherChain(epoch.chainId);
        epochBlock = epoch.blockNumber;
        if (epochBlock > block.number) revert EpochAhead(epochBlock);
        if (block.number - epochBlock > maxAgeBlocks) revert StaleEpoch(epochBlock, block.number - maxAgeBlocks);
        if (sha256(proof.epochBody) != epoch.bodyHash) revert AnotherBody();
        checkBody(proof.epochBody, proof.places);
        checkRuleLeaf(account, proof.ruleLeaf);
        if (!isInEpoch(proof)) revert NotInEpoch();
        uint256 keyEnd = accountEnd() + ruleLength;
        if (!has(proof.ruleLeaf, keyEnd, bytes(MET).length, keccak256(bytes(MET)))) revert ConditionNotMet();
    }

    /// In RFC 8785 text a quote inside a text has a backslash before it. So a comma and a quote begin a text, and one that
    /// is followed by a quote and a colon is a name; no other member of an epoch's body has one of these names.
    function checkBody(bytes calldata body, Places calldata places) private view {
        if (!has(body, places.deploymentHash, DEPLOYMENT_LENGTH, deploymentText)) revert AnotherDeployment();
        if (!has(body, places.kernel, kernelLength, kernelText)) revert AnotherKernel();
        if (!has(body, places.rulebookHash, RULEBOOK_LENGTH, rulebookText)) revert AnotherRulebook();
    }

    /// The leaf must begin with the key of this account and this rule.
    function checkRuleLeaf(address account, bytes calldata leaf) private view {
        if (!has(leaf, 0, accountPrefixLength, accountPrefixText)) revert AnotherAccount();
        bytes32 digits = keccak256(account.hexOf());
        if (!has(leaf, accountPrefixLength, ADDRESS_DIGITS, digits)) revert AnotherAccount();
        if (!has(leaf, accountEnd(), ruleLength, ruleText)) revert AnotherRule();
    }

    /// Whether the rule's leaf is in the account's tree, and that tree's root in the tree whose root the body names. How
    /// many subjects the epoch has is the caller's word; it says no more than on which side each hash of the proof stands.
    function isInEpoch(Proof calldata proof) private view returns (bool) {
        (bool fitsAccount, bytes32 accountRoot) = MerkleTree.rootFrom(
            MerkleTree.leafHash(proof.ruleLeaf), proof.inAccount.index, proof.inAccount.size, proof.inAccount.proof
        );
        bytes memory accountLeaf = abi.encodePacked(
            proof.ruleLeaf[:accountEnd()],
            '",{"count":"',
            uint256(proof.inAccount.size).decimalOf(),
            '","root":"0x',
            accountRoot.hexOf(),
            '"}]'
        );
        (bool fitsEpoch, bytes32 root) = MerkleTree.rootFrom(
            MerkleTree.leafHash(accountLeaf), proof.inEpoch.index, proof.inEpoch.size, proof.inEpoch.proof
        );
        bytes32 text = keccak256(abi.encodePacked(',"assessmentRoot":"0x', root.hexOf(), '"'));
        return fitsAccount && fitsEpoch && has(proof.epochBody, proof.places.assessmentRoot, ROOT_LENGTH, text);
    }

    /// Length of `["<protocol>|<account>`.
    function accountEnd() private view returns (uint256) {
        return accountPrefixLength + ADDRESS_DIGITS;
    }

    /// Whether the bytes of this length from `offset` on have this keccak-256.
    function has(bytes calldata data, uint256 offset, uint256 length, bytes32 hash) private pure returns (bool) {
        return offset + length <= data.length && keccak256(data[offset:offset + length]) == hash;
    }
}

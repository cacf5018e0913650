// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// The 147 bytes of an entry of the log: a header of fixed offsets and the hash of its body, integers big-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | kind |
/// | 2 | 8 | chain id; 0 for what belongs to no chain |
/// | 10 | 8 | block number |
/// | 18 | 32 | block hash |
/// | 50 | 32 | SHA-256 of the subject's id, or zero |
/// | 82 | 32 | SHA-256 of the rule's id, or zero |
/// | 114 | 1 | outcome |
/// | 115 | 32 | SHA-256 of the canonical body |
library LogLeaf {
    enum Kind {
        None,
        Rulebook,
        Deployment,
        Epoch,
        Assessment,
        Verdict,
        Fact,
        Correction
    }

    enum Outcome {
        None,
        Met,
        NotMet,
        Unknown
    }

    struct Fields {
        Kind kind;
        uint64 chainId;
        uint64 blockNumber;
        bytes32 blockHash;
        bytes32 subjectHash;
        bytes32 ruleHash;
        Outcome outcome;
        bytes32 bodyHash;
    }

    error WrongLength(uint256 length);
    error UnknownVersion(uint8 version);
    error UnknownKind(uint8 kind);
    error UnknownOutcome(uint8 outcome);
    /// A field is zero where its kind has one, or is not zero where its kind has none.
    error MisplacedField(Kind kind, string field);

    /// Reads a leaf. Reverts for any bytes that are none: every leaf has one form.
    function parse(bytes calldata leaf) internal pure returns (Fields memory fields) {
        if (leaf.length != 147) revert WrongLength(leaf.length);
        if (uint8(leaf[0]) != 1) revert UnknownVersion(uint8(leaf[0]));
        uint8 kind = uint8(leaf[1]);
        if (kind == 0 || kind > uint8(type(Kind).max)) revert UnknownKind(kind);
        uint8 outcome = uint8(leaf[114]);
        if (outcome > uint8(type(Outcome).max)) revert UnknownOutcome(outcome);
        fields = Fields({
            kind: Kind(kind),
            chainId: uint64(bytes8(leaf[2:10])),
            blockNumber: uint64(bytes8(leaf[10:18])),
            blockHash: bytes32(leaf[18:50]),
            subjectHash: bytes32(leaf[50:82]),
            ruleHash: bytes32(leaf[82:114]),
            outcome: Outcome(outcome),
            bodyHash: bytes32(leaf[115:147])
        });
        checkFields(fields);
    }

    /// Nothing may hide in a field that the kind does not have, and one thing has one leaf.
    function checkFields(Fields memory leaf) private pure {
        Kind kind = leaf.kind;
        bool isGlobal = kind == Kind.Rulebook || kind == Kind.Deployment || kind == Kind.Fact;
        bool isAbout = kind == Kind.Assessment || kind == Kind.Verdict;
        if (isGlobal == (leaf.chainId != 0)) revert MisplacedField(kind, "chainId");
        if (isGlobal && leaf.blockNumber != 0) revert MisplacedField(kind, "blockNumber");
        if (isGlobal && leaf.blockHash != 0) revert MisplacedField(kind, "blockHash");
        // A correction names subject and rule where what it corrects does.
        if (kind != Kind.Correction) {
            if (isAbout == (leaf.subjectHash == 0)) revert MisplacedField(kind, "subjectHash");
            if (isAbout == (leaf.ruleHash == 0)) revert MisplacedField(kind, "ruleHash");
        }
        if ((kind == Kind.Assessment) == (leaf.outcome == Outcome.None)) revert MisplacedField(kind, "outcome");
    }
}

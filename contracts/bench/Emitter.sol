// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Stands in for a protocol's contract in the benchmark: emits the logs it is told to and answers the view calls it was
/// taught. Its code is put at the address the protocol's contract would have.
contract Emitter {
    mapping(bytes32 => bytes) private answers;

    /// From now on the call `question` is answered with `result`.
    function teach(bytes calldata question, bytes calldata result) external {
        answers[keccak256(question)] = result;
    }

    /// Calls that begin with four zero bytes are a log: its number of topics in one byte, the topics, the data. Any other
    /// call is a question; one that was not taught reverts, as a function that is not there does.
    fallback(bytes calldata question) external returns (bytes memory) {
        if (bytes4(question[:4]) != bytes4(0)) {
            bytes memory result = answers[keccak256(question)];
            require(result.length > 0);
            return result;
        }
        uint256 topics = uint8(question[4]);
        uint256 from = 5 + topics * 32;
        uint256 size = question.length - from;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, add(question.offset, from), size)
            let topic := add(question.offset, 5)
            switch topics
            case 1 { log1(data, size, calldataload(topic)) }
            case 2 { log2(data, size, calldataload(topic), calldataload(add(topic, 32))) }
            case 3 {
                log3(data, size, calldataload(topic), calldataload(add(topic, 32)), calldataload(add(topic, 64)))
            }
            default {
                log4(
                    data,
                    size,
                    calldataload(topic),
                    calldataload(add(topic, 32)),
                    calldataload(add(topic, 64)),
                    calldataload(add(topic, 96))
                )
            }
        }
        return "";
    }
}

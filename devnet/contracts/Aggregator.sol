// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// The devnet's price feed: Chainlink's aggregator interface and events, with an owner who says the price.
/// Only the last 256 rounds are kept, so that the state of a long devnet stays small.
contract Aggregator {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    uint256 public constant version = 4;
    uint256 private constant KEPT_ROUNDS = 256;

    uint8 public immutable decimals;
    address public immutable owner;
    string public description;
    uint80 private round;
    mapping(uint256 => Round) private rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    error NotOwner();

    constructor(uint8 decimals_, string memory description_) {
        decimals = decimals_;
        description = description_;
        owner = msg.sender;
    }

    function setAnswer(int256 answer) external {
        if (msg.sender != owner) revert NotOwner();
        uint80 id = ++round;
        rounds[id % KEPT_ROUNDS] = Round(int192(answer), uint64(block.timestamp));
        emit NewRound(id, msg.sender, block.timestamp);
        emit AnswerUpdated(answer, id, block.timestamp);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(round);
    }

    function getRoundData(uint80 id) public view returns (uint80, int256, uint256, uint256, uint80) {
        require(id != 0 && id <= round && id + KEPT_ROUNDS > round, "No data present");
        Round memory r = rounds[id % KEPT_ROUNDS];
        return (id, r.answer, r.updatedAt, r.updatedAt, id);
    }

    function latestAnswer() external view returns (int256) {
        return rounds[round % KEPT_ROUNDS].answer;
    }

    function latestTimestamp() external view returns (uint256) {
        return rounds[round % KEPT_ROUNDS].updatedAt;
    }

    function latestRound() external view returns (uint256) {
        return round;
    }

    function getAnswer(uint256 id) external view returns (int256) {
        return rounds[id % KEPT_ROUNDS].answer;
    }

    function getTimestamp(uint256 id) external view returns (uint256) {
        return rounds[id % KEPT_ROUNDS].updatedAt;
    }
}

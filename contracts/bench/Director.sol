// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Plays one transaction of the benchmark: calls made in order, each as address (20 bytes), length (2 bytes), calldata.
contract Director {
    fallback(bytes calldata script) external returns (bytes memory) {
        uint256 place = 0;
        while (place < script.length) {
            address target = address(bytes20(script[place:place + 20]));
            uint256 end = place + 22 + uint16(bytes2(script[place + 20:place + 22]));
            (bool ok, ) = target.call(script[place + 22:end]);
            require(ok, "call failed");
            place = end;
        }
        return "";
    }
}

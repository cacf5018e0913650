// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Plays one transaction of the benchmark: calls made in order, each as address (20 bytes), length (2 bytes), calldata.
contract Director {
    fallback(bytes calldata script) external returns (bytes memory) {
        uint256 at = 0;
        while (at < script.length) {
            address target = address(bytes20(script[at:at + 20]));
            uint256 end = at + 22 + uint16(bytes2(script[at + 20:at + 22]));
            (bool ok, ) = target.call(script[at + 22:end]);
            require(ok, "call failed");
            at = end;
        }
        return "";
    }
}

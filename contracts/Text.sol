// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Values as canonical JSON writes them: integers in decimal, hashes and addresses in lower-case hex, here without `0x`.
library Text {
    /// 64 digits.
    function hexOf(bytes32 value) internal pure returns (bytes memory) {
        return abi.encodePacked(digitsOf(uint128(bytes16(value))), digitsOf(uint128(uint256(value))));
    }

    /// 40 digits.
    function hexOf(address value) internal pure returns (bytes memory) {
        uint160 number = uint160(value);
        return abi.encodePacked(digitsOf(uint128(number >> 32)), bytes8(digitsOf(uint128(number) << 96)));
    }

    /// Without leading zeros.
    function decimalOf(uint256 value) internal pure returns (bytes memory digits) {
        uint256 length = 1;
        for (uint256 rest = value / 10; rest != 0; rest /= 10) length++;
        digits = new bytes(length);
        for (; length != 0; value /= 10) digits[--length] = bytes1(uint8(0x30 + (value % 10)));
    }

    /// The 32 hex digits of 16 bytes, all at once: each half byte is moved into a byte of its own, then becomes a digit.
    function digitsOf(uint128 value) private pure returns (bytes32) {
        uint256 x = value;
        x = (x | (x << 64)) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        x = (x | (x << 32)) & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        x = (x | (x << 16)) & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        x = (x | (x << 8)) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        x = (x | (x << 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
        // From ten on a digit is a letter, which stands 39 behind where the next figure would.
        uint256 isLetter = ((x + 0x0606060606060606060606060606060606060606060606060606060606060606) >> 4)
            & 0x0101010101010101010101010101010101010101010101010101010101010101;
        return bytes32(x + 0x3030303030303030303030303030303030303030303030303030303030303030 + isLetter * 39);
    }
}

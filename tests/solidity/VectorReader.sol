// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

/// @notice Reads the values of one file of tests/vectors.
abstract contract VectorReader is Test {
    string internal json;

    function _at(
        string memory list,
        uint256 index,
        string memory field
    ) internal pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]", field);
    }

    function _has(string memory key) internal view returns (bool) {
        return vm.keyExistsJson(json, key);
    }

    function _hash(string memory key) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function _bytes(string memory key) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, key);
    }

    function _address(string memory key) internal view returns (address) {
        return vm.parseJsonAddress(json, key);
    }

    function _uint(string memory key) internal view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function _string(string memory key) internal view returns (string memory) {
        return vm.parseJsonString(json, key);
    }
}

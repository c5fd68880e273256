// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

/// @notice halmos' own cheatcodes, as far as they are used here.
interface ISymbolicVm {
    function enableSymbolicStorage(address account) external;

    function createBytes32(string memory name) external returns (bytes32);
}

/// @notice What the properties have in common: a contract in any state whatever, at any time. What
/// holds from every state holds from all that can be reached.
abstract contract AnyState is Test {
    ISymbolicVm internal constant SYMBOLIC = ISymbolicVm(
        0xF3993A62377BCd56AE39D773740A5390411E8BC9
    );

    function _anyStateOf(address account) internal {
        SYMBOLIC.enableSymbolicStorage(account);
    }

    /// @dev A time that a block can have before the year 36,812, where uint40 ends.
    function _anyTime(uint40 time) internal {
        vm.assume(time < type(uint40).max - 365 days);
        vm.warp(time);
    }
}

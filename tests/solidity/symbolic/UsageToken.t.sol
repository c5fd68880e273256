// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {UsageToken} from "../../../contracts/UsageToken.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Tokens move between participants' accounts and our contracts alone, from any balances.
/// The neighbour knows one participant's account, which is any.
contract UsageTokenSymbolic is AnyState {
    address private constant SETTLEMENT = address(0x5E);
    address private constant TREASURY = address(0x7EA);
    Agreeable private neighbour;
    UsageToken private token;

    function setUp() public {
        neighbour = new Agreeable();
        token = new UsageToken(
            address(neighbour),
            IParticipantRegistry(address(neighbour)),
            SETTLEMENT,
            TREASURY
        );
    }

    function check_transfer_onlyBetweenHolders(
        address from,
        address to,
        uint256 amount,
        address participant
    ) external {
        _begin(participant);
        vm.prank(from);
        token.transfer(to, amount);
        assertTrue(_mayHold(from, participant) && _mayHold(to, participant));
    }

    function check_transferFrom_onlyBetweenHolders(
        address spender,
        address from,
        address to,
        uint256 amount,
        address participant
    ) external {
        _begin(participant);
        vm.prank(spender);
        token.transferFrom(from, to, amount);
        assertTrue(_mayHold(from, participant) && _mayHold(to, participant));
    }

    function check_issue_onlyToHolders(address to, uint256 amount, address participant) external {
        _begin(participant);
        token.issue(to, amount, 0);
        assertTrue(_mayHold(to, participant));
    }

    function check_issue_onlyByGovernance(address caller, address to, uint256 amount) external {
        _begin(to);
        neighbour.set(false, to, 0);
        vm.prank(caller);
        try token.issue(to, amount, 0) {
            assertTrue(false);
        } catch {}
    }

    function check_redeem_burnsTheSendersOnly(
        address from,
        uint256 amount,
        address other
    ) external {
        _begin(from);
        vm.assume(other != from);
        uint256 before = token.balanceOf(from);
        uint256 others = token.balanceOf(other);
        vm.prank(from);
        token.redeem(amount, 0);
        assertEq(token.balanceOf(from), before - amount);
        assertEq(token.balanceOf(other), others);
    }

    function _begin(address participant) private {
        neighbour.set(true, participant, 0);
        _anyStateOf(address(token));
        vm.assume(token.authority() == address(neighbour));
    }

    function _mayHold(address account, address participant) private pure returns (bool) {
        return account == participant || account == SETTLEMENT || account == TREASURY;
    }
}

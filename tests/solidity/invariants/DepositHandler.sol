// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {TokenHandler} from "./TokenHandler.sol";

/// @title DepositHandler
/// @notice Consumers deposit, with and without a permit, and leave; organisations claim.
abstract contract DepositHandler is TokenHandler {
    struct Stake {
        bytes32 id;
        address organisation;
    }

    function deposit(uint256 seed, uint256 amount) external acting {
        (Stake memory stake, GhostAccount memory sender) = _depositor(seed);
        amount = bound(amount, 1, 20_000 * EURO);
        _issue(sender.account, amount);
        vm.prank(sender.account);
        token.approve(address(settlement), amount);
        vm.prank(sender.account);
        settlement.deposit(stake.id, stake.organisation, amount);
        _recordDeposit(stake, amount);
    }

    /// @notice With the allowance signed; sometimes somebody has submitted the permit before.
    function depositWithPermit(uint256 seed, uint256 amount) external acting {
        (Stake memory stake, GhostAccount memory sender) = _depositor(seed);
        amount = bound(amount, 1, 20_000 * EURO);
        _issue(sender.account, amount);
        IUsageSettlement.Permit memory permit = _permit(sender, amount);
        if (_draw(seed, 1, 2) == 0) {
            token.permit(
                sender.account,
                address(settlement),
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            );
        }
        vm.prank(sender.account);
        settlement.depositWithPermit(stake.id, stake.organisation, amount, permit);
        _recordDeposit(stake, amount);
    }

    /// @notice Also with more than there is: at the end only what is left is paid.
    function requestLeaving(uint256 seed, uint256 amount) external acting {
        Stake memory stake = _staked(seed);
        GhostAccount memory speaker = _speaker(stake.organisation, Scopes.CLAIM, seed);
        vm.assume(speaker.key != 0);
        uint256 held = deposited[stake.id][stake.organisation];
        uint128 asked = uint128(bound(amount, 1, held + held / 2 + 1));
        vm.prank(speaker.account);
        settlement.requestLeaving(stake.id, stake.organisation, asked);
        leavings[stake.id][stake.organisation] = IUsageSettlement.Leaving(
            asked,
            uint40(clock + 30 days)
        );
    }

    function leave(uint256 seed) external acting {
        Stake memory stake = _leaving(seed);
        IUsageSettlement.Leaving memory leaving = leavings[stake.id][stake.organisation];
        if (clock < leaving.executableAt) _pass(leaving.executableAt - clock);
        GhostAccount memory speaker = _speaker(stake.organisation, Scopes.CLAIM, seed);
        vm.assume(speaker.key != 0);
        uint256 held = deposited[stake.id][stake.organisation];
        vm.prank(speaker.account);
        settlement.leave(stake.id, stake.organisation, speaker.account);
        deposited[stake.id][stake.organisation] -= leaving.amount < held ? leaving.amount : held;
        delete leavings[stake.id][stake.organisation];
        _recordStay(stake);
    }

    function leaveTooEarly(uint256 seed) external acting {
        Stake memory stake = _staked(seed);
        vm.assume(_draw(seed, 1, 2) == 0);
        IUsageSettlement.Leaving memory leaving = leavings[stake.id][stake.organisation];
        vm.assume(leaving.executableAt == 0 || clock < leaving.executableAt);
        GhostAccount memory speaker = _speaker(stake.organisation, Scopes.CLAIM, seed);
        vm.assume(speaker.key != 0);
        bytes memory act = abi.encodeCall(
            settlement.leave,
            (stake.id, stake.organisation, speaker.account)
        );
        bytes4 reason = IUsageSettlement.UsageSettlement_LeavingNotDue.selector;
        if (
            !_isRefused(speaker.account, address(settlement), act, [reason, bytes4(0), bytes4(0)])
        ) {
            earlyPayments.push("a deposit left before its notice");
            _recordStay(stake);
        }
    }

    function claim(uint256 seed, uint256 amount) external acting {
        address organisation = _creditor(seed);
        GhostAccount memory speaker = _speaker(organisation, Scopes.CLAIM, seed);
        vm.assume(speaker.key != 0);
        amount = bound(amount, 1, earned[organisation] - claimed[organisation]);
        vm.prank(speaker.account);
        settlement.claim(organisation, speaker.account, amount);
        claimed[organisation] += amount;
    }

    function claimTooMuch(uint256 seed, uint256 amount) external acting {
        address organisation = _creditor(seed);
        vm.assume(_draw(seed, 1, 2) == 0);
        GhostAccount memory speaker = _speaker(organisation, Scopes.CLAIM, seed);
        vm.assume(speaker.key != 0);
        uint256 owed = earned[organisation] - claimed[organisation];
        amount = bound(amount, owed + 1, type(uint128).max);
        bytes memory act = abi.encodeCall(
            settlement.claim,
            (organisation, speaker.account, amount)
        );
        bytes4 reason = IUsageSettlement.UsageSettlement_AmountTooLarge.selector;
        if (
            !_isRefused(speaker.account, address(settlement), act, [reason, bytes4(0), bytes4(0)])
        ) {
            earlyPayments.push("an organisation claimed more than its balance");
        }
    }

    function payOutCommission() external acting {
        uint256 owed = commissionEarned - commissionPaidOut;
        vm.assume(owed > 0);
        vm.prank(strangers[0]);
        settlement.payOutCommission();
        commissionPaidOut += owed;
    }

    // Parts

    /// @dev Whoever deposits means to stay: a request to leave ends with it.
    function _recordDeposit(Stake memory stake, uint256 amount) internal {
        deposited[stake.id][stake.organisation] += amount;
        depositedAt[stake.id][stake.organisation] = clock;
        delete leavings[stake.id][stake.organisation];
    }

    function _recordStay(Stake memory stake) private {
        uint256 stay = clock - depositedAt[stake.id][stake.organisation];
        if (stay < shortestStay) shortestStay = stay;
    }

    /// @dev A party of an active agreement with an account that may deposit for it.
    function _depositor(
        uint256 seed
    ) private view returns (Stake memory stake, GhostAccount memory sender) {
        uint256 offset = _draw(seed, 2, known.length);
        for (uint256 i; i < known.length; ++i) {
            GhostAgreement storage agreement = known[(offset + i) % known.length];
            bool isActive = agreement.state == IAgreementRegistry.State.Active;
            if (!isActive || clock >= agreement.validUntil) continue;
            uint256 first = _draw(seed, 3, agreement.parties.length);
            for (uint256 j; j < agreement.parties.length; ++j) {
                address party = agreement.parties[(first + j) % agreement.parties.length];
                sender = _authorised(party, Scopes.CLAIM, seed);
                if (sender.key != 0) return (Stake(agreement.id, party), sender);
            }
        }
        vm.assume(false);
    }

    /// @dev Somebody who has a deposit.
    function _staked(uint256 seed) private view returns (Stake memory none) {
        uint256 offset = _draw(seed, 4, known.length);
        for (uint256 i; i < known.length; ++i) {
            GhostAgreement storage agreement = known[(offset + i) % known.length];
            for (uint256 j; j < agreement.parties.length; ++j) {
                address party = agreement.parties[j];
                if (deposited[agreement.id][party] > 0) return Stake(agreement.id, party);
            }
        }
        vm.assume(false);
    }

    function _leaving(uint256 seed) private view returns (Stake memory none) {
        uint256 offset = _draw(seed, 5, known.length);
        for (uint256 i; i < known.length; ++i) {
            GhostAgreement storage agreement = known[(offset + i) % known.length];
            for (uint256 j; j < agreement.parties.length; ++j) {
                address party = agreement.parties[j];
                if (leavings[agreement.id][party].executableAt > 0) {
                    return Stake(agreement.id, party);
                }
            }
        }
        vm.assume(false);
    }

    function _creditor(uint256 seed) private view returns (address organisation) {
        uint256 offset = _draw(seed, 6, organisations.length);
        for (uint256 i; i < organisations.length; ++i) {
            organisation = organisations[(offset + i) % organisations.length];
            if (earned[organisation] > claimed[organisation]) return organisation;
        }
        vm.assume(false);
    }

    function _permit(
        GhostAccount memory sender,
        uint256 amount
    ) private view returns (IUsageSettlement.Permit memory permit) {
        permit.deadline = clock;
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,"
                    "uint256 deadline)"
                ),
                sender.account,
                address(settlement),
                amount,
                token.nonces(sender.account),
                permit.deadline
            )
        );
        bytes32 digest = _digest("Prometheus-X Usage Token", address(token), structHash);
        (permit.v, permit.r, permit.s) = vm.sign(sender.key, digest);
    }
}

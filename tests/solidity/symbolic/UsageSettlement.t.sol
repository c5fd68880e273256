// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {IUsageToken} from "../../../contracts/interfaces/IUsageToken.sol";
import {AgreementTerms} from "../../../contracts/libraries/AgreementTerms.sol";
import {UsageSettlement} from "../../../contracts/UsageSettlement.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Vouchers and leaving, from any deposits, balances and counters.
contract UsageSettlementSymbolic is AnyState {
    uint256 private constant START = 1_796_083_200; // 1 December 2026, 00:00 UTC
    uint32 private constant PERIOD = (2026 - 1970) * 12 + 11;
    address private constant CONSUMER = address(0xC0);
    address private constant PAYEE = address(0xA1);
    Agreeable private neighbour;
    UsageSettlement private settlement;

    function setUp() public {
        neighbour = new Agreeable();
        settlement = new UsageSettlement(
            IParticipantRegistry(address(neighbour)),
            IAgreementRegistry(address(neighbour)),
            ICommissionPolicy(address(neighbour)),
            IUsageToken(address(neighbour)),
            address(0x7EA)
        );
    }

    function idOf(IAgreementRegistry.Terms calldata terms) external view returns (bytes32) {
        return
            MessageHashUtils.toTypedDataHash(
                neighbour.DOMAIN_SEPARATOR(),
                AgreementTerms.hash(terms)
            );
    }

    function check_settle_refusesWhatIsNotNewer(
        uint64 price,
        uint64 free,
        uint64 units,
        uint64 upTo
    ) external {
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            price,
            free,
            units
        );
        vm.assume(upTo <= _settled(voucher));
        try settlement.settle(terms, voucher, upTo, address(neighbour), "") {
            assertTrue(false);
        } catch {}
    }

    function check_settle_countsUpToWhatWasSigned(
        uint64 price,
        uint64 free,
        uint64 units,
        uint64 upTo
    ) external {
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            price,
            free,
            units
        );
        uint64 before = _settled(voucher);
        settlement.settle(terms, voucher, upTo, address(neighbour), "");
        assertEq(_settled(voucher), upTo);
        assertTrue(before < upTo && upTo <= units);
    }

    /// @notice What leaves the deposit arrives, to the unit: net with the payee, the rest with the
    /// association.
    function check_settle_losesNothing(
        uint64 price,
        uint64 free,
        uint64 upTo,
        uint16 rate
    ) external {
        vm.assume(rate <= 1_000);
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            price,
            free,
            upTo
        );
        neighbour.set(true, CONSUMER, rate);
        bytes32 id = voucher.agreementId;
        uint256 deposit = settlement.depositOf(id, CONSUMER);
        uint256 balance = settlement.balanceOf(PAYEE);
        uint256 owed = settlement.commissionOwed();
        settlement.settle(terms, voucher, upTo, address(neighbour), "");
        uint256 taken = deposit - settlement.depositOf(id, CONSUMER);
        uint256 net = settlement.balanceOf(PAYEE) - balance;
        assertEq(taken, net + settlement.commissionOwed() - owed);
    }

    /// @notice One consumer's voucher touches no other consumer's deposit.
    function check_settle_leavesOthersDepositsAlone(
        uint64 upTo,
        bytes32 otherId,
        address other
    ) external {
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            3_333,
            10,
            upTo
        );
        vm.assume(other != CONSUMER || otherId != voucher.agreementId);
        uint256 before = settlement.depositOf(otherId, other);
        settlement.settle(terms, voucher, upTo, address(neighbour), "");
        assertEq(settlement.depositOf(otherId, other), before);
    }

    function check_settle_refusesWithoutAConsumersSignature(uint64 units, uint64 upTo) external {
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            1,
            0,
            units
        );
        neighbour.set(false, CONSUMER, 0);
        try settlement.settle(terms, voucher, upTo, address(neighbour), "") {
            assertTrue(false);
        } catch {}
    }

    /// @notice A month of 31 days, settled exactly if one of its seconds is within the validity.
    function check_settle_onlyInAPeriodOfTheValidity(uint64 validFrom, uint64 validUntil) external {
        (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher) = _voucher(
            0,
            0,
            type(uint64).max
        );
        (terms.validFrom, terms.validUntil) = (validFrom, validUntil);
        voucher.agreementId = this.idOf(terms);
        vm.assume(_settled(voucher) == 0);
        bool isWithin = validFrom < START + 31 days && START < validUntil;
        try settlement.settle(terms, voucher, 1, address(neighbour), "") {
            assertTrue(isWithin);
        } catch {
            assertFalse(isWithin);
        }
    }

    function check_leave_paysTheLesserOfAskedAndLeft(bytes32 id, address caller) external {
        _anyStateOf(address(settlement));
        neighbour.set(true, CONSUMER, 0);
        uint256 left = settlement.depositOf(id, CONSUMER);
        uint256 asked = settlement.leavingOf(id, CONSUMER).amount;
        vm.prank(caller);
        settlement.leave(id, CONSUMER, caller);
        uint256 lesser = asked < left ? asked : left;
        assertEq(neighbour.paid(), lesser);
        assertEq(settlement.depositOf(id, CONSUMER), left - lesser);
        assertEq(settlement.leavingOf(id, CONSUMER).executableAt, 0);
    }

    function check_leave_waitsForTheNotice(bytes32 id, uint128 amount, uint40 time) external {
        _anyTime(time);
        _anyStateOf(address(settlement));
        neighbour.set(true, CONSUMER, 0);
        settlement.requestLeaving(id, CONSUMER, amount);
        uint256 due = settlement.leavingOf(id, CONSUMER).executableAt;
        assertEq(due, uint256(time) + 30 days);
        vm.warp(due - 1);
        try settlement.leave(id, CONSUMER, address(this)) {
            assertTrue(false);
        } catch {}
    }

    /// @notice That request and no other: what leaves after a deposit was asked for after it.
    function check_deposit_endsTheRequestToLeave(
        bytes32 id,
        uint256 amount,
        bytes32 otherId,
        address other,
        uint40 time
    ) external {
        _anyTime(time);
        _anyStateOf(address(settlement));
        uint40 due = settlement.leavingOf(otherId, other).executableAt;
        settlement.deposit(id, CONSUMER, amount);
        assertEq(settlement.leavingOf(id, CONSUMER).amount, 0);
        assertEq(settlement.leavingOf(id, CONSUMER).executableAt, 0);
        if (id == otherId && other == CONSUMER) return;
        assertEq(settlement.leavingOf(otherId, other).executableAt, due);
    }

    function check_claim_paysNoMoreThanTheBalance(address organisation, uint256 amount) external {
        _anyStateOf(address(settlement));
        neighbour.set(true, organisation, 0);
        uint256 before = settlement.balanceOf(organisation);
        settlement.claim(organisation, address(this), amount);
        assertTrue(amount <= before);
        assertEq(settlement.balanceOf(organisation), before - amount);
        assertEq(neighbour.paid(), amount);
    }

    function _settled(IUsageSettlement.Voucher memory voucher) private view returns (uint64) {
        return settlement.settledUnitsOf(voucher.agreementId, CONSUMER, voucher.period);
    }

    function _voucher(
        uint64 price,
        uint64 free,
        uint64 units
    )
        private
        returns (IAgreementRegistry.Terms memory terms, IUsageSettlement.Voucher memory voucher)
    {
        vm.warp(START);
        _anyStateOf(address(settlement));
        terms.parties = new address[](2);
        (terms.parties[0], terms.parties[1]) = (PAYEE, CONSUMER);
        terms.lines = new IAgreementRegistry.PriceLine[](1);
        terms.lines[0] = IAgreementRegistry.PriceLine(PAYEE, 1, price, free);
        (terms.validFrom, terms.validUntil) = (uint64(START), uint64(START + 1));
        voucher = IUsageSettlement.Voucher(this.idOf(terms), CONSUMER, PERIOD, units, 0);
    }
}

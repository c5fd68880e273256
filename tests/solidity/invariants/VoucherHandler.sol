// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title VoucherHandler
/// @notice Anybody settles what consumers signed: singly, in batches, of this period and former
/// ones, after suspension, termination, expiry and during a stop; and more than the deposit covers.
abstract contract VoucherHandler is GhostLedger {
    uint64 private constant UNITS_STEP_MAX = 300;

    function settle(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, ) = _affordable(seed);
        _settleOne(one);
    }

    /// @notice Two new vouchers with one between them that is settled already.
    function settleMany(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, ) = _affordable(seed);
        IUsageSettlement.Settlement[] memory some = new IUsageSettlement.Settlement[](3);
        (some[0], some[1], some[2]) = (one, one, one);
        // The third repeats the first with a few units more, where the deposit covers them.
        some[2] = _copy(one);
        uint64 more = uint64(_draw(seed, 1, one.voucher.units - one.upTo + 1));
        uint256 held = deposited[one.voucher.agreementId][one.voucher.consumer];
        uint64 settled = _settledUnits(one.voucher);
        if (_cost(one.terms, settled, one.upTo + more) <= held) some[2].upTo += more;
        Split memory split = _before(one);
        vm.recordLogs();
        vm.prank(strangers[1]);
        settlement.settleMany(some);
        _post(vm.getRecordedLogs(), one, split);
    }

    /// @notice What the deposit does not cover is refused, however little is missing.
    function settleBeyondDeposit(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, uint256 signerKey) = _voucherFor(seed);
        uint256 held = deposited[one.voucher.agreementId][one.voucher.consumer];
        uint64 settled = _settledUnits(one.voucher);
        one.upTo = settled + 1;
        for (uint64 step = 1; _cost(one.terms, settled, one.upTo) <= held; step *= 2) {
            vm.assume(step < 1e12); // the lines cost nothing
            one.upTo += step;
        }
        one.voucher.units = one.upTo;
        one.signature = _sign(signerKey, _voucherDigest(one.voucher));
        _tryToSettle(one, IUsageSettlement.UsageSettlement_DepositTooSmall.selector);
    }

    /// @notice A voucher that is settled already is worth nothing a second time.
    function settleAgain(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, uint256 signerKey) = _voucherFor(seed);
        uint64 settled = _settledUnits(one.voucher);
        vm.assume(settled > 0);
        one.upTo = uint64(1 + _draw(seed, 1, settled));
        one.voucher.units = settled;
        one.signature = _sign(signerKey, _voucherDigest(one.voucher));
        _tryToSettle(one, IUsageSettlement.UsageSettlement_VoucherNotNewer.selector);
    }

    /// @notice Neither somebody else's signature nor more units than signed.
    function settleUnsigned(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, ) = _affordable(seed);
        vm.assume(_draw(seed, 1, 2) == 0);
        if (_draw(seed, 2, 2) == 0) {
            one.upTo = one.voucher.units + 1;
            _tryToSettle(one, IUsageSettlement.UsageSettlement_UpToAboveVoucher.selector);
        } else {
            one.signer = _outsider(one.voucher.consumer, seed);
            _tryToSettle(one, IUsageSettlement.UsageSettlement_SignatureInvalid.selector);
        }
    }

    /// @notice Use of a month before the agreement's first or after its last: begun, with a rate,
    /// signed and covered, so that nothing else is against it.
    function settleOutsideValidity(uint256 seed) external acting {
        (IUsageSettlement.Settlement memory one, uint256 signerKey) = _voucherFor(seed);
        one.voucher.period = _periodOutside(one.terms, seed);
        uint64 settled = _settledUnits(one.voucher);
        one.upTo = settled + 1;
        one.voucher.units = one.upTo;
        vm.assume(
            _cost(one.terms, settled, one.upTo) <=
                deposited[one.voucher.agreementId][one.voucher.consumer]
        );
        one.signature = _sign(signerKey, _voucherDigest(one.voucher));
        _tryToSettle(one, IUsageSettlement.UsageSettlement_PeriodOutsideValidity.selector);
    }

    // Parts

    function _settleOne(IUsageSettlement.Settlement memory one) internal {
        Split memory split = _before(one);
        vm.recordLogs();
        vm.prank(strangers[1]);
        settlement.settle(one.terms, one.voucher, one.upTo, one.signer, one.signature);
        _post(vm.getRecordedLogs(), one, split);
    }

    /// @dev Should it succeed against the rule, it is booked like any other: the sums will tell.
    function _tryToSettle(IUsageSettlement.Settlement memory one, bytes4 reason) private {
        Split memory split = _before(one);
        bytes memory act = abi.encodeCall(
            settlement.settle,
            (one.terms, one.voucher, one.upTo, one.signer, one.signature)
        );
        vm.recordLogs();
        bool isRefused = _isRefused(
            strangers[1],
            address(settlement),
            act,
            [reason, bytes4(0), bytes4(0)]
        );
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (isRefused) return;
        earlyPayments.push("a voucher was settled that must not be");
        _post(logs, one, split);
    }

    /// @dev A voucher with as many units as the deposit covers, a few at most.
    function _affordable(
        uint256 seed
    ) private returns (IUsageSettlement.Settlement memory one, uint256 signerKey) {
        (one, signerKey) = _voucherFor(seed);
        uint256 held = deposited[one.voucher.agreementId][one.voucher.consumer];
        uint64 settled = _settledUnits(one.voucher);
        uint64 step = uint64(1 + _draw(seed, 3, UNITS_STEP_MAX));
        while (step > 0 && _cost(one.terms, settled, settled + step) > held) step /= 2;
        vm.assume(step > 0);
        one.upTo = settled + step;
        one.voucher.units = one.upTo + uint64(_draw(seed, 4, 10));
        one.signature = _sign(signerKey, _voucherDigest(one.voucher));
    }

    /// @dev Of an agreement that was once active, of a consumer that no line pays, of the last
    /// period that may be settled or one of the two before; units and signature are still to be
    /// filled in.
    function _voucherFor(
        uint256 seed
    ) private view returns (IUsageSettlement.Settlement memory one, uint256 signerKey) {
        uint256 offset = _draw(seed, 5, known.length);
        for (uint256 i; i < 2 * known.length; ++i) {
            GhostAgreement storage agreement = known[(offset + i) % known.length];
            if (!agreement.wasActive || agreement.validFrom > clock) continue;
            uint32 period = _periodFor(agreement, seed);
            // First round: somebody with a deposit; second round: anybody.
            address consumer = _consumerOf(agreement, i < known.length);
            if (consumer == address(0)) continue;
            GhostAccount memory signer = _voucherSigner(consumer, Periods.startOf(period), seed);
            if (signer.key == 0) continue;
            one.terms = _termsOf(agreement);
            one.voucher = IUsageSettlement.Voucher(
                agreement.id,
                consumer,
                period,
                0,
                keccak256(abi.encode(seed))
            );
            one.signer = signer.account;
            return (one, signer.key);
        }
        vm.assume(false);
    }

    /// @dev Within the validity, begun, and not before the first rates.
    function _periodFor(
        GhostAgreement storage agreement,
        uint256 seed
    ) private view returns (uint32 period) {
        period = Periods.periodOf(clock);
        uint32 last = Periods.periodOf(agreement.validUntil - 1);
        if (last < period) period = last;
        period -= uint32(_draw(seed, 6, 3));
        uint32 first = Periods.periodOf(agreement.validFrom);
        if (first < PERIOD) first = PERIOD;
        if (period < first) period = first;
    }

    /// @dev Begun, and not before the first rates; the campaign begins later than these.
    function _periodOutside(
        IAgreementRegistry.Terms memory terms,
        uint256 seed
    ) private view returns (uint32) {
        uint32 first = Periods.periodOf(terms.validFrom);
        uint32 last = Periods.periodOf(terms.validUntil - 1);
        uint32 current = Periods.periodOf(clock);
        uint32 before = first - PERIOD;
        uint32 later = current > last ? current - last : 0;
        vm.assume(before + later > 0);
        uint32 choice = uint32(_draw(seed, 7, before + later));
        return choice < before ? PERIOD + choice : last + 1 + choice - before;
    }

    function _consumerOf(
        GhostAgreement storage agreement,
        bool withDeposit
    ) private view returns (address) {
        IAgreementRegistry.Terms memory terms = _termsOf(agreement);
        for (uint256 i; i < terms.parties.length; ++i) {
            address party = terms.parties[i];
            if (withDeposit && deposited[agreement.id][party] == 0) continue;
            bool isPayee;
            for (uint256 j; j < terms.lines.length; ++j) {
                if (terms.lines[j].payee == party) isPayee = true;
            }
            if (!isPayee) return party;
        }
        return address(0);
    }

    function _copy(
        IUsageSettlement.Settlement memory one
    ) private pure returns (IUsageSettlement.Settlement memory) {
        return
            IUsageSettlement.Settlement(
                one.terms,
                one.voucher,
                one.upTo,
                one.signer,
                one.signature
            );
    }

    function _settledUnits(IUsageSettlement.Voucher memory voucher) private returns (uint64) {
        return _useOf(voucher.agreementId, voucher.consumer, voucher.period).units;
    }

    // Books

    /// @dev What is held and owed before, to be subtracted from after it.
    function _before(
        IUsageSettlement.Settlement memory one
    ) private view returns (Split memory split) {
        split.fromDeposits = settlement.depositOf(one.voucher.agreementId, one.voucher.consumer);
        split.toBalances = _balances();
        split.toCommission = settlement.commissionOwed();
    }

    function _balances() internal view returns (uint256 sum) {
        for (uint256 i; i < organisations.length; ++i) {
            sum += settlement.balanceOf(organisations[i]);
        }
    }

    /// @dev Unchecked: a deposit that grew must show as a wrong sum, not as a fault of the test.
    function _post(
        Vm.Log[] memory logs,
        IUsageSettlement.Settlement memory one,
        Split memory split
    ) private {
        Split memory later = _before(one);
        unchecked {
            split.fromDeposits -= later.fromDeposits;
            split.toBalances = later.toBalances - split.toBalances;
            split.toCommission = later.toCommission - split.toCommission;
        }
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IUsageSettlement.UsageSettled.selector) {
                _postLines(logs[i], one, split);
            }
        }
        splits.push(split);
    }

    function _postLines(
        Vm.Log memory log,
        IUsageSettlement.Settlement memory one,
        Split memory split
    ) private {
        (, uint64 toUnits, , IUsageSettlement.LineAmount[] memory amounts) = abi.decode(
            log.data,
            (uint64, uint64, bytes32, IUsageSettlement.LineAmount[])
        );
        IUsageSettlement.Voucher memory voucher = one.voucher;
        GhostUse storage use = _useOf(voucher.agreementId, voucher.consumer, voucher.period);
        use.units = toUnits;
        uint256 grossBefore = split.grossEmitted;
        for (uint256 i; i < amounts.length; ++i) {
            if (use.gross.length <= i) use.gross.push();
            if (use.commission.length <= i) use.commission.push();
            (uint256 gross, uint256 commission) = (
                amounts[i].gross,
                amounts[i].commissionRoundedDown
            );
            use.gross[i] += gross;
            use.commission[i] += commission;
            earned[one.terms.lines[i].payee] += gross - commission;
            commissionEarned += commission;
            split.grossEmitted += gross;
            split.commissionEmitted += commission;
        }
        uint256 taken = split.grossEmitted - grossBefore;
        unchecked {
            deposited[voucher.agreementId][voucher.consumer] -= taken;
        }
    }
}

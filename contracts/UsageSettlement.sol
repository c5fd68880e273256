// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAgreementRegistry} from "./interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "./interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "./interfaces/IUsageSettlement.sol";
import {IUsageToken} from "./interfaces/IUsageToken.sol";
import {AccountSignatures} from "./libraries/AccountSignatures.sol";
import {AgreementTerms} from "./libraries/AgreementTerms.sol";
import {Commissions} from "./libraries/Commissions.sol";
import {Notice} from "./libraries/Notice.sol";
import {Periods} from "./libraries/Periods.sol";
import {Scopes} from "./libraries/Scopes.sol";

/// @title UsageSettlement
/// @notice Documented at its interface, IUsageSettlement.
contract UsageSettlement is IUsageSettlement, EIP712 {
    using SafeERC20 for IUsageToken;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 agreementId,address consumer,uint32 period,uint64 units,"
        "bytes32 usageRoot)"
    );

    /// @inheritdoc IUsageSettlement
    IParticipantRegistry public immutable REGISTRY;
    /// @inheritdoc IUsageSettlement
    IAgreementRegistry public immutable AGREEMENTS;
    /// @inheritdoc IUsageSettlement
    ICommissionPolicy public immutable POLICY;
    /// @inheritdoc IUsageSettlement
    IUsageToken public immutable TOKEN;
    /// @inheritdoc IUsageSettlement
    address public immutable TREASURY;

    /// @inheritdoc IUsageSettlement
    mapping(bytes32 agreementId => mapping(address consumer => uint256)) public depositOf;
    /// @inheritdoc IUsageSettlement
    mapping(bytes32 agreementId => mapping(address consumer => mapping(uint32 period => uint64)))
        public settledUnitsOf;
    /// @inheritdoc IUsageSettlement
    mapping(address organisation => uint256) public balanceOf;
    /// @inheritdoc IUsageSettlement
    uint256 public commissionOwed;
    mapping(bytes32 agreementId => mapping(address consumer => Leaving)) private _leavings;

    constructor(
        IParticipantRegistry registry,
        IAgreementRegistry agreements,
        ICommissionPolicy policy,
        IUsageToken token,
        address treasury
    ) EIP712("PTX UsageSettlement", "1") {
        REGISTRY = registry;
        AGREEMENTS = agreements;
        POLICY = policy;
        TOKEN = token;
        TREASURY = treasury;
    }

    modifier onlySpeaker(address organisation) {
        if (!REGISTRY.speaksFor(msg.sender, organisation, Scopes.CLAIM)) {
            revert UsageSettlement_NotAuthorised(msg.sender, organisation);
        }
        _;
    }

    // Deposits

    /// @inheritdoc IUsageSettlement
    function deposit(bytes32 agreementId, address consumer, uint256 amount) external {
        _deposit(agreementId, consumer, amount);
    }

    /// @inheritdoc IUsageSettlement
    function depositWithPermit(
        bytes32 agreementId,
        address consumer,
        uint256 amount,
        Permit calldata permit
    ) external {
        // Whoever submits the permit first does the same: then the allowance is there already.
        try
            TOKEN.permit(
                msg.sender,
                address(this),
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {} // solhint-disable-line no-empty-blocks
        _deposit(agreementId, consumer, amount);
    }

    /// @inheritdoc IUsageSettlement
    function requestLeaving(
        bytes32 agreementId,
        address consumer,
        uint128 amount
    ) external onlySpeaker(consumer) {
        if (amount == 0) revert UsageSettlement_AmountZero();
        uint40 executableAt = uint40(block.timestamp) + Notice.SECONDS;
        _leavings[agreementId][consumer] = Leaving(amount, executableAt);
        emit LeavingRequested(agreementId, consumer, amount, executableAt);
    }

    /// @inheritdoc IUsageSettlement
    function leave(
        bytes32 agreementId,
        address consumer,
        address to
    ) external onlySpeaker(consumer) {
        _requireBound(to, consumer);
        Leaving memory leaving = _leavings[agreementId][consumer];
        if (leaving.executableAt == 0 || block.timestamp < leaving.executableAt) {
            revert UsageSettlement_LeavingNotDue(leaving.executableAt, block.timestamp);
        }
        delete _leavings[agreementId][consumer];
        uint256 left = depositOf[agreementId][consumer];
        uint256 amount = Math.min(leaving.amount, left);
        depositOf[agreementId][consumer] = left - amount;
        TOKEN.safeTransfer(to, amount);
        emit Left(agreementId, consumer, to, amount);
    }

    // Vouchers

    /// @inheritdoc IUsageSettlement
    function settle(
        IAgreementRegistry.Terms calldata terms,
        Voucher calldata voucher,
        uint64 upTo,
        address signer,
        bytes calldata signature
    ) external {
        uint64 settled = _settledUnits(voucher);
        if (upTo <= settled) revert UsageSettlement_VoucherNotNewer(upTo, settled);
        _requireSettleable(terms, voucher, upTo, AGREEMENTS.DOMAIN_SEPARATOR());
        _requireSigned(voucher, _requirePeriod(terms, voucher.period), signer, signature);
        _settle(terms.lines, voucher, settled, upTo);
    }

    /// @inheritdoc IUsageSettlement
    function settleMany(Settlement[] calldata settlements) external {
        bytes32 domain = AGREEMENTS.DOMAIN_SEPARATOR();
        for (uint256 i; i < settlements.length; ++i) {
            Settlement calldata one = settlements[i];
            Voucher calldata voucher = one.voucher;
            uint64 settled = _settledUnits(voucher);
            if (one.upTo <= settled) {
                emit VoucherSkipped(
                    voucher.agreementId,
                    voucher.consumer,
                    voucher.period,
                    one.upTo,
                    settled
                );
                continue;
            }
            _requireSettleable(one.terms, voucher, one.upTo, domain);
            uint256 startsAt = _requirePeriod(one.terms, voucher.period);
            _requireSigned(voucher, startsAt, one.signer, one.signature);
            _settle(one.terms.lines, voucher, settled, one.upTo);
        }
    }

    /// @inheritdoc IUsageSettlement
    function voucherDigest(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
    }

    // Balances

    /// @inheritdoc IUsageSettlement
    function claim(
        address organisation,
        address to,
        uint256 amount
    ) external onlySpeaker(organisation) {
        _requireBound(to, organisation);
        if (amount == 0) revert UsageSettlement_AmountZero();
        uint256 available = balanceOf[organisation];
        if (amount > available) revert UsageSettlement_AmountTooLarge(amount, available);
        balanceOf[organisation] = available - amount;
        TOKEN.safeTransfer(to, amount);
        emit BalanceClaimed(organisation, to, amount);
    }

    /// @inheritdoc IUsageSettlement
    function payOutCommission() external returns (uint256 amount) {
        amount = commissionOwed;
        if (amount == 0) revert UsageSettlement_AmountZero();
        commissionOwed = 0;
        TOKEN.safeTransfer(TREASURY, amount);
        emit CommissionPaidOut(amount);
    }

    /// @inheritdoc IUsageSettlement
    function leavingOf(
        bytes32 agreementId,
        address consumer
    ) external view returns (Leaving memory) {
        return _leavings[agreementId][consumer];
    }

    // Parts

    function _deposit(bytes32 agreementId, address consumer, uint256 amount) private {
        if (amount == 0) revert UsageSettlement_AmountZero();
        REGISTRY.authorise(msg.sender, consumer, Scopes.CLAIM);
        if (!AGREEMENTS.partyOf(agreementId, consumer).isParty) {
            revert UsageSettlement_NotParty(agreementId, consumer);
        }
        IAgreementRegistry.Agreement memory agreement = AGREEMENTS.agreementOf(agreementId);
        if (
            agreement.state != IAgreementRegistry.State.Active ||
            block.timestamp >= agreement.validUntil
        ) {
            revert UsageSettlement_AgreementNotActive(agreementId);
        }
        depositOf[agreementId][consumer] += amount;
        // Whoever deposits means to stay: an open request must not take this deposit out at once.
        delete _leavings[agreementId][consumer];
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        emit Deposited(agreementId, consumer, msg.sender, amount);
    }

    /// @dev Moves what the lines bring between two counts of units from the consumer's deposit to
    /// the payees and the association.
    function _settle(
        IAgreementRegistry.PriceLine[] calldata lines,
        Voucher calldata voucher,
        uint64 fromUnits,
        uint64 toUnits
    ) private {
        (bytes32 id, address consumer, uint32 period) = _key(voucher);
        settledUnitsOf[id][consumer][period] = toUnits;
        LineAmount[] memory amounts = new LineAmount[](lines.length);
        uint256 gross;
        uint256 commission;
        for (uint256 i; i < lines.length; ++i) {
            IAgreementRegistry.PriceLine calldata line = lines[i];
            uint16 rateBps = POLICY.rateOf(line.category, period);
            amounts[i] = Commissions.amountBetween(line, fromUnits, toUnits, rateBps);
            gross += amounts[i].gross;
            commission += amounts[i].commissionRoundedDown;
            balanceOf[line.payee] += amounts[i].gross - amounts[i].commissionRoundedDown;
        }
        _takeFromDeposit(id, consumer, gross);
        commissionOwed += commission;
        emit UsageSettled(id, consumer, period, fromUnits, toUnits, voucher.usageRoot, amounts);
    }

    function _takeFromDeposit(bytes32 agreementId, address consumer, uint256 amount) private {
        mapping(address => uint256) storage deposits = depositOf[agreementId];
        uint256 left = deposits[consumer];
        if (left < amount) revert UsageSettlement_DepositTooSmall(left, amount);
        deposits[consumer] = left - amount;
    }

    function _key(Voucher calldata voucher) private pure returns (bytes32, address, uint32) {
        return (voucher.agreementId, voucher.consumer, voucher.period);
    }

    function _settledUnits(Voucher calldata voucher) private view returns (uint64) {
        return settledUnitsOf[voucher.agreementId][voucher.consumer][voucher.period];
    }

    /// @dev No more than signed, under terms that are the voucher's and were once active, by a
    /// party that no line pays.
    function _requireSettleable(
        IAgreementRegistry.Terms calldata terms,
        Voucher calldata voucher,
        uint64 upTo,
        bytes32 domain
    ) private view {
        if (upTo > voucher.units) revert UsageSettlement_UpToAboveVoucher(upTo, voucher.units);
        bytes32 id = voucher.agreementId;
        address consumer = voucher.consumer;
        // Derived here rather than asked: sending the terms on costs more than hashing them.
        bytes32 termsId = MessageHashUtils.toTypedDataHash(domain, AgreementTerms.hash(terms));
        if (termsId != id) revert UsageSettlement_AgreementMismatch(id, termsId);
        if (!AGREEMENTS.wasActivated(id)) revert UsageSettlement_AgreementNeverActive(id);
        if (!_isAmong(terms.parties, consumer)) revert UsageSettlement_NotParty(id, consumer);
        for (uint256 i; i < terms.lines.length; ++i) {
            if (terms.lines[i].payee == consumer) revert UsageSettlement_ConsumerIsPayee(consumer);
        }
    }

    function _isAmong(address[] calldata parties, address wanted) private pure returns (bool) {
        for (uint256 i; i < parties.length; ++i) {
            if (parties[i] == wanted) return true;
        }
        return false;
    }

    /// @dev The period has begun, and some of it lies within the agreement's validity: a voucher
    /// of another month would bring that month's rate and free units.
    function _requirePeriod(
        IAgreementRegistry.Terms calldata terms,
        uint32 period
    ) private view returns (uint256 startsAt) {
        startsAt = Periods.startOf(period);
        if (block.timestamp < startsAt) revert UsageSettlement_PeriodNotBegun(period, startsAt);
        (uint64 validFrom, uint64 validUntil) = (terms.validFrom, terms.validUntil);
        bool beginsBefore = startsAt < validFrom;
        if (validUntil <= startsAt || (beginsBefore && Periods.startOf(period + 1) <= validFrom)) {
            revert UsageSettlement_PeriodOutsideValidity(period, validFrom, validUntil);
        }
    }

    /// @dev The signature binds the consumer for a period that starts at `startsAt`.
    function _requireSigned(
        Voucher calldata voucher,
        uint256 startsAt,
        address signer,
        bytes calldata signature
    ) private view {
        if (
            !REGISTRY.signsVoucherFor(signer, voucher.consumer, uint40(startsAt)) ||
            !AccountSignatures.isValid(signer, voucherDigest(voucher), signature)
        ) {
            revert UsageSettlement_SignatureInvalid(voucher.consumer, signer);
        }
    }

    function _requireBound(address account, address organisation) private view {
        if (REGISTRY.accountOf(account).organisation != organisation) {
            revert UsageSettlement_NotAuthorised(account, organisation);
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "./IAgreementRegistry.sol";

/// @title Deposits, vouchers and the split between payees and the association
/// @notice Use is metered off chain and settled by cumulative vouchers that the consumer signs. For line i and u units:
/// gross_i(u) = max(0, u − free_i) · price_i and commission_i(u) = ⌊gross_i(u) · rate / 10,000⌋; settling up to u pays the
/// differences between u and what is settled, so many small settlements give the same cents as one.
interface IUsageSettlement {
    /// @notice What the consumer signs, EIP-712
    /// `Voucher(bytes32 agreementId,address consumer,uint32 period,uint64 units,bytes32 usageRoot)`.
    /// @param units Cumulative units of use within the period.
    /// @param usageRoot Root of the RFC 9162 tree over exactly `units` use leaves.
    struct Voucher {
        bytes32 agreementId;
        address consumer;
        uint32 period;
        uint64 units;
        bytes32 usageRoot;
    }

    /// @notice What one price line brought, in base units of the token.
    struct LineAmount {
        uint128 gross;
        uint128 commissionRoundedDown;
    }

    /// @notice A request to leave with (part of) a deposit. One slot: amount 128 | executableAt 40 (from the lowest bit).
    struct Leaving {
        uint128 amount;
        uint40 executableAt;
    }

    event Deposited(
        bytes32 indexed agreementId, address indexed consumer, address from, uint256 amount
    );
    event LeavingRequested(
        bytes32 indexed agreementId, address indexed consumer, uint256 amount, uint40 executableAt
    );
    event Left(
        bytes32 indexed agreementId, address indexed consumer, address to, uint256 amount
    );
    /// @notice `amounts` follow the order of the terms' price lines.
    event UsageSettled(
        bytes32 indexed agreementId,
        address indexed consumer,
        uint32 indexed period,
        uint64 fromUnits,
        uint64 toUnits,
        bytes32 usageRoot,
        LineAmount[] amounts
    );
    event BalanceClaimed(address indexed organisation, address to, uint256 amount);
    event CommissionPaidOut(uint256 amount);

    error UsageSettlement_AgreementNeverActive(bytes32 agreementId);
    error UsageSettlement_NotParty(bytes32 agreementId, address organisation);
    error UsageSettlement_AgreementMismatch(bytes32 agreementId, bytes32 termsId);
    error UsageSettlement_ConsumerIsPayee(address consumer);
    error UsageSettlement_PeriodNotBegun(uint32 period, uint256 startsAt);
    error UsageSettlement_VoucherNotNewer(uint64 units, uint64 settledUnits);
    error UsageSettlement_UpToAboveVoucher(uint64 upTo, uint64 units);
    error UsageSettlement_SignatureInvalid(address consumer, address signer);
    error UsageSettlement_DepositTooSmall(uint256 deposit, uint256 needed);
    error UsageSettlement_AmountZero();
    error UsageSettlement_AmountTooLarge(uint256 amount, uint256 available);
    error UsageSettlement_NotAuthorised(address account, address organisation);
    error UsageSettlement_LeavingNotDue(uint40 executableAt, uint256 blockTime);

    /// @notice Puts tokens of the sender under one agreement, for one consumer. By an account authorised (claim) for it.
    function deposit(bytes32 agreementId, address consumer, uint256 amount) external;

    /// @notice Settles a voucher up to `upTo` units. Anyone may submit.
    /// @param terms The agreement's terms; their digest must be the voucher's agreement id.
    /// @param upTo At most the voucher's units, above what is settled.
    /// @param signer Account whose voucher scope binds the consumer for the period.
    function settle(
        IAgreementRegistry.Terms calldata terms,
        Voucher calldata voucher,
        uint64 upTo,
        address signer,
        bytes calldata signature
    ) external;

    /// @notice Pays an organisation's balance to one of its accounts. By an account that speaks (claim) for it.
    function claim(address organisation, address to, uint256 amount) external;

    /// @notice Pays the commissions collected so far to the treasury. Anyone may call.
    function payOutCommission() external returns (uint256 amount);

    /// @notice Announces leaving with `amount`; vouchers still settle against the whole until it is executed.
    /// A new request replaces the former and starts the notice again. By an account that speaks (claim) for the consumer.
    function requestLeaving(bytes32 agreementId, address consumer, uint128 amount) external;

    /// @notice Pays min(requested, left) once the notice has passed (at the second `executableAt` itself it has).
    function leave(bytes32 agreementId, address consumer, address to) external;

    function depositOf(bytes32 agreementId, address consumer) external view returns (uint256);

    function settledUnitsOf(
        bytes32 agreementId,
        address consumer,
        uint32 period
    ) external view returns (uint64);

    /// @notice What an organisation can claim, in base units.
    function balanceOf(address organisation) external view returns (uint256);

    /// @notice Commissions collected and not yet paid out to the treasury, in base units.
    function commissionOwed() external view returns (uint256);

    function leavingOf(
        bytes32 agreementId,
        address consumer
    ) external view returns (Leaving memory);

    /// @notice The EIP-712 digest that the consumer's account signs.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);
}

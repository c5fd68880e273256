// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "./IAgreementRegistry.sol";
import {ICommissionPolicy} from "./ICommissionPolicy.sol";
import {IParticipantRegistry} from "./IParticipantRegistry.sol";
import {IUsageToken} from "./IUsageToken.sol";

/// @title Deposits, vouchers and the split between payees and the association
/// @notice Use is metered off chain and settled by cumulative vouchers that the consumer signs. For
/// line i and u units: gross_i(u) = max(0, u − free_i) · price_i and
/// commission_i(u) = ⌊gross_i(u) · rate / 10,000⌋; settling up to u pays the differences between u
/// and what is settled, so many small settlements give the same cents as one.
interface IUsageSettlement {
    /// @notice What the consumer signs, EIP-712 `Voucher(bytes32 agreementId,address consumer,
    /// uint32 period,uint64 units,bytes32 usageRoot)`, without line break.
    /// @param agreementId The agreement used.
    /// @param consumer Organisation id of the party that used it.
    /// @param period Month of use, UTC: (year − 1970)·12 + month − 1.
    /// @param units Cumulative units of use within the period.
    /// @param usageRoot Root of the RFC 9162 tree over exactly `units` use leaves.
    struct Voucher {
        bytes32 agreementId;
        address consumer;
        uint32 period;
        uint64 units;
        bytes32 usageRoot;
    }

    /// @notice A voucher with all that it takes to settle it.
    /// @param terms The agreement's terms; their digest must be the voucher's agreement id.
    /// @param voucher What the consumer signed.
    /// @param upTo At most the voucher's units, above what is settled.
    /// @param signer Account whose voucher scope binds the consumer for the period.
    /// @param signature 65 bytes r ‖ s ‖ v with low s, or what an ERC-1271 wallet asks for.
    struct Settlement {
        IAgreementRegistry.Terms terms;
        Voucher voucher;
        uint64 upTo;
        address signer;
        bytes signature;
    }

    /// @notice What one price line brought, in base units of the token.
    /// @param gross What the consumer paid.
    /// @param commissionRoundedDown The association's share of it.
    struct LineAmount {
        uint128 gross;
        uint128 commissionRoundedDown;
    }

    /// @notice The signature of an ERC-2612 permit over the deposited amount, by the sender for the
    /// settlement contract.
    /// @param deadline Unix seconds, inclusive.
    /// @param v 27 or 28.
    /// @param r First half of the sender's signature.
    /// @param s Second half, low.
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice A request to leave with (part of) a deposit. One slot: amount 128 | executableAt 40
    /// (from the lowest bit).
    /// @param amount At most this is paid.
    /// @param executableAt Unix seconds, inclusive; 0: no request.
    struct Leaving {
        uint128 amount;
        uint40 executableAt;
    }

    /// @notice Tokens of the account `from` were put under an agreement, for a consumer, whose
    /// request to leave, if one was open, ended with it.
    event Deposited(
        bytes32 indexed agreementId,
        address indexed consumer,
        address from,
        uint256 amount
    );
    /// @notice A consumer announced to leave with (part of) its deposit.
    event LeavingRequested(
        bytes32 indexed agreementId,
        address indexed consumer,
        uint256 amount,
        uint40 executableAt
    );
    /// @notice A consumer left with (part of) its deposit, paid to its account `to`.
    event Left(bytes32 indexed agreementId, address indexed consumer, address to, uint256 amount);
    /// @notice A voucher was settled from `fromUnits` up to `toUnits`; `amounts` follow the order
    /// of the terms' price lines.
    event UsageSettled(
        bytes32 indexed agreementId,
        address indexed consumer,
        uint32 indexed period,
        uint64 fromUnits,
        uint64 toUnits,
        bytes32 usageRoot,
        LineAmount[] amounts
    );
    /// @notice A voucher in a batch was settled up to `upTo` or more before; the others were
    /// carried out. Proves nothing: neither terms nor signature of a skipped voucher are looked at,
    /// so anyone can have it written with made-up contents, but for the count `settledUnits`.
    event VoucherSkipped(
        bytes32 indexed agreementId,
        address indexed consumer,
        uint32 indexed period,
        uint64 upTo,
        uint64 settledUnits
    );
    /// @notice An organisation's balance was paid to its account `to`.
    event BalanceClaimed(address indexed organisation, address to, uint256 amount);
    /// @notice The commissions collected so far were paid to the treasury.
    event CommissionPaidOut(uint256 amount);

    /// @notice All parties have to sign before anything is settled.
    error UsageSettlement_AgreementNeverActive(bytes32 agreementId);
    /// @notice A deposit needs an agreement in state active that has not expired.
    error UsageSettlement_AgreementNotActive(bytes32 agreementId);
    /// @notice The organisation is not a party of the agreement.
    error UsageSettlement_NotParty(bytes32 agreementId, address organisation);
    /// @notice The terms are not those of the voucher's agreement.
    error UsageSettlement_AgreementMismatch(bytes32 agreementId, bytes32 termsId);
    /// @notice A payee of a price line is no consumer of the same agreement.
    error UsageSettlement_ConsumerIsPayee(address consumer);
    /// @notice The voucher's period has not begun.
    error UsageSettlement_PeriodNotBegun(uint32 period, uint256 startsAt);
    /// @notice No second of the voucher's period lies within the agreement's validity.
    error UsageSettlement_PeriodOutsideValidity(uint32 period, uint64 validFrom, uint64 validUntil);
    /// @notice As many units are settled; a newer voucher, or a higher `upTo`, is needed.
    error UsageSettlement_VoucherNotNewer(uint64 units, uint64 settledUnits);
    /// @notice No more may be settled than the consumer signed.
    error UsageSettlement_UpToAboveVoucher(uint64 upTo, uint64 units);
    /// @notice The signature is not the signer's, or the signer's voucher does not bind the
    /// consumer.
    error UsageSettlement_SignatureInvalid(address consumer, address signer);
    /// @notice The deposit does not cover the units; a lower `upTo` may.
    error UsageSettlement_DepositTooSmall(uint256 deposit, uint256 needed);
    /// @notice There is nothing to move.
    error UsageSettlement_AmountZero();
    /// @notice The organisation's balance is smaller.
    error UsageSettlement_AmountTooLarge(uint256 amount, uint256 available);
    /// @notice The account does not speak (claim) for the organisation, or is not bound to it.
    error UsageSettlement_NotAuthorised(address account, address organisation);
    /// @notice The notice has not passed, or (0) no leaving was requested.
    error UsageSettlement_LeavingNotDue(uint40 executableAt, uint256 blockTime);

    /// @notice Puts tokens of the sender under one agreement, for one consumer. By an account
    /// authorised (claim) for it; the agreement is in state active and has not expired. A request
    /// to leave ends with it, so that no deposit is ever without its notice.
    function deposit(bytes32 agreementId, address consumer, uint256 amount) external;

    /// @notice The same with the allowance given by signature (ERC-2612). A permit that somebody
    /// has submitted before does no harm: the allowance is what counts.
    function depositWithPermit(
        bytes32 agreementId,
        address consumer,
        uint256 amount,
        Permit calldata permit
    ) external;

    /// @notice Settles a voucher up to `upTo` units. Anyone may submit, also after the agreement
    /// has ended: its validity must share a second with the period of use.
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

    /// @notice The same for many; a voucher whose `upTo` is settled already is skipped with an
    /// event and spoils nothing. Any other fault reverts the whole, so one deposit that is too
    /// small keeps all from being settled: a batch is made of what the deposits cover.
    function settleMany(Settlement[] calldata settlements) external;

    /// @notice Pays an organisation's balance to one of its accounts. By an account that speaks
    /// (claim) for it.
    function claim(address organisation, address to, uint256 amount) external;

    /// @notice Pays the commissions collected so far to the treasury. Anyone may call.
    function payOutCommission() external returns (uint256 amount);

    /// @notice Announces leaving with `amount`; vouchers still settle against the whole until it is
    /// executed. A new request replaces the former and starts the notice again. By an account that
    /// speaks (claim) for the consumer.
    function requestLeaving(bytes32 agreementId, address consumer, uint128 amount) external;

    /// @notice Pays min(requested, left) to one of the consumer's accounts once the notice has
    /// passed (at the second `executableAt` itself it has). By an account that speaks (claim) for
    /// it.
    function leave(bytes32 agreementId, address consumer, address to) external;

    /// @notice What a consumer has under an agreement, in base units.
    function depositOf(bytes32 agreementId, address consumer) external view returns (uint256);

    /// @notice Units settled of a consumer's use in a period.
    function settledUnitsOf(
        bytes32 agreementId,
        address consumer,
        uint32 period
    ) external view returns (uint64);

    /// @notice What an organisation can claim, in base units.
    function balanceOf(address organisation) external view returns (uint256);

    /// @notice Commissions collected and not yet paid out to the treasury, in base units.
    function commissionOwed() external view returns (uint256);

    /// @notice A consumer's request to leave; all zero if there is none.
    function leavingOf(
        bytes32 agreementId,
        address consumer
    ) external view returns (Leaving memory);

    /// @notice The EIP-712 digest that the consumer's account signs.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);

    /// @notice Where organisations and their accounts are known.
    function REGISTRY() external view returns (IParticipantRegistry);

    /// @notice Where data-use agreements are known.
    function AGREEMENTS() external view returns (IAgreementRegistry);

    /// @notice Where the commission's rates are known.
    function POLICY() external view returns (ICommissionPolicy);

    /// @notice The token of deposits and balances.
    function TOKEN() external view returns (IUsageToken);

    /// @notice Where commissions go.
    function TREASURY() external view returns (address);
}

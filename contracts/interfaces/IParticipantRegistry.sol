// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @notice What an account may do for its organisation; several are combined by bitwise or.
library Scopes {
    /// @dev Bind and retire accounts, delegate, describe the organisation.
    uint8 internal constant MANAGE = 1;
    /// @dev Propose, sign, suspend, resume and terminate agreements.
    uint8 internal constant AGREE = 2;
    /// @dev Anchor consents and revoke them.
    uint8 internal constant ANCHOR = 4;
    /// @dev Sign usage vouchers.
    uint8 internal constant VOUCHER = 8;
    /// @dev Deposit, claim balances, leave with a deposit.
    uint8 internal constant CLAIM = 16;
    /// @dev Every scope.
    uint8 internal constant ALL = 31;
    /// @dev What an organisation may delegate to an operator. Money and keys stay with its own accounts.
    uint8 internal constant DELEGABLE = AGREE | ANCHOR;
}

/// @title Participants of the data space
/// @notice Organisations, not accounts, hold rights. An organisation's id is the last 20 bytes of keccak256 of its DID:
/// permanent, and nobody has its key. Accounts act for it, by scope and until a time.
/// An account belongs to one organisation for ever and proves possession of its key when it is bound; its scopes never
/// change: another scope is another account. So history is never lost and nobody binds somebody else's account.
interface IParticipantRegistry {
    /// @notice Where an organisation stands.
    enum Status {
        Unknown,
        Admitted,
        Suspended
    }

    /// @notice One slot: status 8 | roles 8 | college 8 | admittedAt 40 (from the lowest bit).
    /// @param roles Bits: 1 provider, 2 consumer, 4 operator, 8 maintainer of a commons.
    /// @param college Number of the college in which the member votes; 0 none.
    /// @param admittedAt Unix seconds.
    struct Participant {
        Status status;
        uint8 roles;
        uint8 college;
        uint40 admittedAt;
    }

    /// @notice One slot: organisation 160 | scopes 8 | expiresAt 40 | retiredAt 40 (from the lowest bit).
    /// @param expiresAt Unix seconds, exclusive; the largest value never expires.
    /// @param retiredAt Unix seconds; 0 while in service.
    struct Account {
        address organisation;
        uint8 scopes;
        uint40 expiresAt;
        uint40 retiredAt;
    }

    /// @notice One slot: scopes 8 | expiresAt 40 (from the lowest bit).
    struct Delegation {
        uint8 scopes;
        uint40 expiresAt;
    }

    event ParticipantAdmitted(
        address indexed organisation, string did, uint8 roles, uint8 college
    );
    event ParticipantDescribed(
        address indexed organisation, string serviceAddress, bytes32 didDocumentHash
    );
    event ParticipantSuspended(address indexed organisation);
    event ParticipantReinstated(address indexed organisation);
    event AccountBound(
        address indexed organisation, address indexed account, uint8 scopes, uint40 expiresAt
    );
    event AccountRetired(address indexed organisation, address indexed account);
    event OperatorDelegated(
        address indexed organisation, address indexed operator, uint8 scopes, uint40 expiresAt
    );
    event GuardianAppointed(address indexed guardian);
    event Stopped(uint40 until);
    event StopEnded();

    error ParticipantRegistry_AlreadyAdmitted(address organisation);
    error ParticipantRegistry_NotAdmitted(address organisation);
    error ParticipantRegistry_DidEmpty();
    error ParticipantRegistry_AccountTaken(address account, address organisation);
    error ParticipantRegistry_AccountUnknown(address account);
    error ParticipantRegistry_AccountRetired(address account, uint40 retiredAt);
    error ParticipantRegistry_ScopesInvalid(uint8 scopes, uint8 allowed);
    error ParticipantRegistry_ExpiryPassed(uint40 expiresAt, uint40 blockTime);
    error ParticipantRegistry_PossessionNotProven(address account);
    error ParticipantRegistry_NotAuthorised(address account, address organisation, uint8 scope);
    error ParticipantRegistry_OrganisationSuspended(address organisation);
    error ParticipantRegistry_Stopped(uint40 until);
    error ParticipantRegistry_NotGuardian(address account);
    error ParticipantRegistry_StopTooLong(uint40 requestedSeconds, uint40 allowedSeconds);

    /// @notice Admits an organisation with its first account. Only governance (the timelock).
    /// @param did The organisation's decentralised identifier (W3C DID Core); its hash is the organisation's id.
    /// @param signature EIP-712 `AccountBinding(address organisation,address account)` by `account`.
    function admit(
        string calldata did,
        uint8 roles,
        uint8 college,
        address account,
        bytes calldata signature
    ) external returns (address organisation);

    /// @notice Suspends an organisation: no new business, nothing else. Only governance.
    function suspend(address organisation) external;

    /// @notice Ends a suspension. Only governance.
    function reinstate(address organisation) external;

    /// @notice Publishes where the organisation's node answers and the SHA-256 of its DID document. Scope: manage.
    function describe(
        address organisation,
        string calldata serviceAddress,
        bytes32 didDocumentHash
    ) external;

    /// @notice Binds an account to the organisation for ever. Scope: manage.
    /// @param signature EIP-712 `AccountBinding(address organisation,address account)` by `account` (ERC-1271 allowed).
    function bindAccount(
        address organisation,
        address account,
        uint8 scopes,
        uint40 expiresAt,
        bytes calldata signature
    ) external;

    /// @notice Retires an account for ever. By the account itself, or with scope manage of its organisation.
    function retireAccount(address account) external;

    /// @notice Lets an operator's accounts act for the organisation; scopes 0 ends it at once. Scope: manage.
    /// @param operator The operator's organisation id; its accounts need the scope there, too.
    function delegate(
        address organisation,
        address operator,
        uint8 scopes,
        uint40 expiresAt
    ) external;

    /// @notice Appoints who may stop new business for a short time (Data Act, article 36). Only governance.
    function appointGuardian(address guardian) external;

    /// @notice Stops new business for `duration` seconds: the guardian for at most 14 days in any 90, governance without
    /// that bound.
    function stop(uint40 duration) external;

    /// @notice Ends a stop early. Only governance.
    function endStop() external;

    /// @notice Reverts unless `account` may do new business for `organisation`: scope, expiry, suspension and stop.
    function authorise(address account, address organisation, uint8 scope) external view;

    /// @notice Whether `account` may do for `organisation` what must never be blocked: scope and expiry only.
    function speaksFor(
        address account,
        address organisation,
        uint8 scope
    ) external view returns (bool);

    /// @notice Whether a voucher by `signer` binds `organisation` for the period that began at `periodStart`.
    /// A key that was retired or expired still signs for periods begun before, until the notice period has passed.
    function signsVoucherFor(
        address signer,
        address organisation,
        uint40 periodStart
    ) external view returns (bool);

    /// @notice Reverts while a stop is in force.
    function requireNotStopped() external view;

    /// @notice Whether the account was ever bound to an organisation that was ever admitted.
    function isParticipantAccount(address account) external view returns (bool);

    function participantOf(address organisation) external view returns (Participant memory);

    function accountOf(address account) external view returns (Account memory);

    function delegationOf(
        address organisation,
        address operator
    ) external view returns (Delegation memory);

    function didDocumentHashOf(address organisation) external view returns (bytes32);

    function guardian() external view returns (address);

    /// @notice Unix seconds until which new business is stopped; not in the future: no stop.
    function stoppedUntil() external view returns (uint40);

    /// @notice The last 20 bytes of keccak256 of the DID's UTF-8 bytes.
    function organisationId(string calldata did) external pure returns (address);
}

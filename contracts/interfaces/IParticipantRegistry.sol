// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Participants of the data space
/// @notice Organisations, not accounts, hold rights. An organisation's id is the last 20 bytes of
/// keccak256 of its DID: permanent, and nobody has its key. Accounts act for it, by scope and until
/// a time. An account belongs to one organisation for ever and proves possession of its key when it
/// is bound; its scopes never change: another scope is another account. So history is never lost
/// and nobody binds somebody else's account.
interface IParticipantRegistry {
    /// @notice Where an organisation stands.
    enum Status {
        Unknown,
        Admitted,
        Suspended
    }

    /// @notice One slot: status 8 | roles 8 | college 8 | admittedAt 40 (from the lowest bit).
    /// @param status Where it stands.
    /// @param roles Bits: 1 provider, 2 consumer, 4 operator, 8 maintainer of a commons.
    /// @param college Number of the college in which the member votes; 0 none.
    /// @param admittedAt Unix seconds.
    struct Participant {
        Status status;
        uint8 roles;
        uint8 college;
        uint40 admittedAt;
    }

    /// @notice One slot: organisation 160 | scopes 8 | expiresAt 40 | retiredAt 40 (from the lowest
    /// bit).
    /// @param organisation Whom it acts for.
    /// @param scopes Bits: 1 manage, 2 agree, 4 anchor, 8 voucher, 16 claim.
    /// @param expiresAt Unix seconds, exclusive; the largest value never expires.
    /// @param retiredAt Unix seconds; 0 while in service.
    struct Account {
        address organisation;
        uint8 scopes;
        uint40 expiresAt;
        uint40 retiredAt;
    }

    /// @notice One slot: scopes 8 | expiresAt 40 (from the lowest bit).
    /// @param scopes Bits: 2 agree, 4 anchor; 0 nothing.
    /// @param expiresAt Unix seconds, exclusive.
    struct Delegation {
        uint8 scopes;
        uint40 expiresAt;
    }

    /// @notice One slot: account 160 | executableAt 40 (from the lowest bit).
    /// @param account The account that gets every scope; zero: no recovery is announced.
    /// @param executableAt Unix seconds, inclusive.
    struct Recovery {
        address account;
        uint40 executableAt;
    }

    /// @notice One slot: until 40 | guardianStoppedAt 40 | guardianSeconds 40 (from the lowest
    /// bit).
    /// @param until Unix seconds, exclusive; not in the future: no stop.
    /// @param guardianStoppedAt Unix seconds at which the guardian last stopped.
    /// @param guardianSeconds What the guardian has used of its 14 days.
    struct Stop {
        uint40 until;
        uint40 guardianStoppedAt;
        uint40 guardianSeconds;
    }

    /// @notice Governance admitted an organisation; its id is the hash of `did`.
    event ParticipantAdmitted(address indexed organisation, string did, uint8 roles, uint8 college);
    /// @notice Governance changed an organisation's roles or college.
    event ParticipantClassified(address indexed organisation, uint8 roles, uint8 college);
    /// @notice The organisation told where its node answers and the hash of its DID document.
    event ParticipantDescribed(
        address indexed organisation,
        string serviceAddress,
        bytes32 didDocumentHash
    );
    /// @notice Governance barred an organisation from new business.
    event ParticipantSuspended(address indexed organisation);
    /// @notice Governance ended a suspension.
    event ParticipantReinstated(address indexed organisation);
    /// @notice An account was bound to an organisation for ever.
    event AccountBound(
        address indexed organisation,
        address indexed account,
        uint8 scopes,
        uint40 expiresAt
    );
    /// @notice An account was retired for ever.
    event AccountRetired(address indexed organisation, address indexed account);
    /// @notice An operator's accounts may act for an organisation; scopes 0: not any more.
    event OperatorDelegated(
        address indexed organisation,
        address indexed operator,
        uint8 scopes,
        uint40 expiresAt
    );
    /// @notice Governance announced a new first account for an organisation that has lost its keys.
    event RecoveryAnnounced(
        address indexed organisation,
        address indexed account,
        uint40 executableAt
    );
    /// @notice The organisation, or governance, called an announced recovery off.
    event RecoveryCancelled(address indexed organisation, address indexed account);
    /// @notice Governance appointed a guardian in place of the former; zero: nobody.
    event GuardianAppointed(address indexed guardian);
    /// @notice New business is stopped until a time in Unix seconds, exclusive.
    event Stopped(uint40 until);
    /// @notice Governance ended a stop early.
    event StopEnded();

    /// @notice The organisation is admitted already.
    error ParticipantRegistry_AlreadyAdmitted(address organisation);
    /// @notice The organisation was never admitted.
    error ParticipantRegistry_NotAdmitted(address organisation);
    /// @notice An organisation without a DID has no id.
    error ParticipantRegistry_DidEmpty();
    /// @notice The account is bound, for ever, to `organisation`; use a fresh key.
    error ParticipantRegistry_AccountTaken(address account, address organisation);
    /// @notice The account was never bound.
    error ParticipantRegistry_AccountUnknown(address account);
    /// @notice The account was retired before.
    error ParticipantRegistry_AccountRetired(address account, uint40 retiredAt);
    /// @notice The scopes are none, or not all among the allowed ones.
    error ParticipantRegistry_ScopesInvalid(uint8 scopes, uint8 allowed);
    /// @notice An expiry must lie in the future.
    error ParticipantRegistry_ExpiryPassed(uint40 expiresAt, uint40 blockTime);
    /// @notice The account has not signed that it acts for this organisation.
    error ParticipantRegistry_PossessionNotProven(address account);
    /// @notice The account may not do this for the organisation: scope, expiry or delegation.
    error ParticipantRegistry_NotAuthorised(address account, address organisation, uint8 scope);
    /// @notice No recovery of the organisation is announced.
    error ParticipantRegistry_NoRecovery(address organisation);
    /// @notice The notice of the recovery has not passed.
    error ParticipantRegistry_RecoveryNotDue(uint40 executableAt, uint40 blockTime);
    /// @notice Governance has suspended the organisation, or the operator that acts for it.
    error ParticipantRegistry_OrganisationSuspended(address organisation);
    /// @notice New business is stopped until a time in Unix seconds, exclusive.
    error ParticipantRegistry_Stopped(uint40 until);
    /// @notice Only the guardian and governance may stop new business.
    error ParticipantRegistry_NotGuardian(address account);
    /// @notice The guardian has less than this left of its 14 days in 90.
    error ParticipantRegistry_StopTooLong(uint40 requestedSeconds, uint40 allowedSeconds);

    /// @notice Admits an organisation with its first account, which has every scope for ever. Only
    /// governance (the timelock).
    /// @param did The organisation's decentralised identifier (W3C DID Core); its hash is the
    /// organisation's id.
    /// @param roles Bits as in `Participant`.
    /// @param college Number of the college in which the member votes; 0 none.
    /// @param account The first account.
    /// @param signature EIP-712 `AccountBinding(address organisation,address account)` by
    /// `account`.
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

    /// @notice Gives an organisation other roles, or a place in another college. Only governance.
    /// @param roles Bits as in `Participant`.
    function classify(address organisation, uint8 roles, uint8 college) external;

    /// @notice Announces a new account with every scope for an organisation that has lost its keys,
    /// so that nothing it owns is locked for good. A new announcement replaces the former and
    /// starts the notice again. Only governance, which cannot seize an organisation that is alive:
    /// any of its managers may call the recovery off before the notice has passed.
    /// @param signature EIP-712 `AccountBinding(address organisation,address account)` by
    /// `account`.
    function announceRecovery(
        address organisation,
        address account,
        bytes calldata signature
    ) external;

    /// @notice Calls an announced recovery off. Scope: manage; or governance.
    function cancelRecovery(address organisation) external;

    /// @notice Binds the announced account once the notice has passed (at the second `executableAt`
    /// itself it has). Anyone may call.
    function recover(address organisation) external;

    /// @notice Publishes where the organisation's node answers and the SHA-256 of its DID document.
    /// Scope: manage.
    function describe(
        address organisation,
        string calldata serviceAddress,
        bytes32 didDocumentHash
    ) external;

    /// @notice Binds an account to the organisation for ever. Scope: manage.
    /// @param signature EIP-712 `AccountBinding(address organisation,address account)` by `account`
    /// (ERC-1271 allowed).
    function bindAccount(
        address organisation,
        address account,
        uint8 scopes,
        uint40 expiresAt,
        bytes calldata signature
    ) external;

    /// @notice Retires an account for ever. By the account itself, or with scope manage of its
    /// organisation.
    function retireAccount(address account) external;

    /// @notice Lets an operator's accounts act for the organisation in place of what it was allowed
    /// before; scopes 0 ends it at once. Scope: manage.
    /// @param operator The operator's organisation id; its accounts need the scope there, too.
    function delegate(
        address organisation,
        address operator,
        uint8 scopes,
        uint40 expiresAt
    ) external;

    /// @notice Appoints who may stop new business for a short time (Data Act, article 36). Only
    /// governance.
    function appointGuardian(address guardian) external;

    /// @notice Stops new business for `duration` seconds from now. Governance without bound, also
    /// in place of a stop in force. The guardian only while there is none, and for its 14 days in
    /// all, which are given anew 90 days after its last stop began: so never more than 14 days in
    /// any 90.
    function stop(uint40 duration) external;

    /// @notice Ends a stop early. Only governance.
    function endStop() external;

    /// @notice Reverts unless `account` may do new business for `organisation`: scope, expiry,
    /// suspension and stop.
    /// @param scope One scope.
    function authorise(address account, address organisation, uint8 scope) external view;

    /// @notice Whether `account` may do for `organisation` what must never be blocked: scope and
    /// expiry only.
    /// @param scope One scope.
    function speaksFor(
        address account,
        address organisation,
        uint8 scope
    ) external view returns (bool);

    /// @notice Whether a voucher by `signer` binds `organisation` for the period that began at
    /// `periodStart`. A key that was retired or expired still signs for periods begun before, until
    /// the notice has passed.
    /// @param periodStart Unix seconds.
    function signsVoucherFor(
        address signer,
        address organisation,
        uint40 periodStart
    ) external view returns (bool);

    /// @notice Reverts while a stop is in force.
    function requireNotStopped() external view;

    /// @notice Whether the account was ever bound to an organisation that was ever admitted.
    function isParticipantAccount(address account) external view returns (bool);

    /// @notice Where an organisation stands; all zero if it was never admitted.
    function participantOf(address organisation) external view returns (Participant memory);

    /// @notice What an account may do; all zero if it was never bound.
    function accountOf(address account) external view returns (Account memory);

    /// @notice What an operator's accounts may do for an organisation.
    function delegationOf(
        address organisation,
        address operator
    ) external view returns (Delegation memory);

    /// @notice The announced recovery of an organisation; all zero if there is none.
    function recoveryOf(address organisation) external view returns (Recovery memory);

    /// @notice SHA-256 of the organisation's DID document; zero if it published none.
    function didDocumentHashOf(address organisation) external view returns (bytes32);

    /// @notice Who may stop new business for a short time; zero: nobody.
    function guardian() external view returns (address);

    /// @notice Unix seconds until which new business is stopped, exclusive; not in the future: no
    /// stop.
    function stoppedUntil() external view returns (uint40);

    /// @notice The last 20 bytes of keccak256 of the DID's UTF-8 bytes.
    function organisationId(string calldata did) external pure returns (address);
}

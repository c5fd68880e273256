// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {AccountSignatures} from "./libraries/AccountSignatures.sol";
import {Notice} from "./libraries/Notice.sol";
import {Scopes} from "./libraries/Scopes.sol";

/// @title ParticipantRegistry
/// @notice Documented at its interface, IParticipantRegistry.
contract ParticipantRegistry is IParticipantRegistry, AccessManaged, EIP712 {
    bytes32 private constant ACCOUNT_BINDING_TYPEHASH = keccak256(
        "AccountBinding(address organisation,address account)"
    );

    /// @dev What the guardian may stop in all, and when after its last stop it may do so anew.
    /// Stops of two allowances begin at least 90 days apart, so a window of 90 days that reaches
    /// into the later one holds of the former at most the rest of its last stop, and no more of the
    /// later than has run of that one: together at most 14 days.
    uint40 private constant GUARDIAN_ALLOWANCE = 14 days;
    uint40 private constant GUARDIAN_RENEWAL = 90 days;

    mapping(address organisation => Participant) private _participants;
    mapping(address account => Account) private _accounts;
    mapping(address organisation => mapping(address operator => Delegation)) private _delegations;
    mapping(address organisation => Recovery) private _recoveries;
    Stop private _stop;

    /// @inheritdoc IParticipantRegistry
    mapping(address organisation => bytes32) public didDocumentHashOf;
    /// @inheritdoc IParticipantRegistry
    address public guardian;

    constructor(
        address accessManager
    ) AccessManaged(accessManager) EIP712("PTX ParticipantRegistry", "1") {}

    modifier onlyManager(address organisation) {
        if (!speaksFor(msg.sender, organisation, Scopes.MANAGE)) {
            revert ParticipantRegistry_NotAuthorised(msg.sender, organisation, Scopes.MANAGE);
        }
        _;
    }

    // Governance

    /// @inheritdoc IParticipantRegistry
    function admit(
        string calldata did,
        uint8 roles,
        uint8 college,
        address account,
        bytes calldata signature
    ) external restricted returns (address organisation) {
        if (bytes(did).length == 0) revert ParticipantRegistry_DidEmpty();
        organisation = organisationId(did);
        Participant storage participant = _participants[organisation];
        if (participant.status != Status.Unknown) {
            revert ParticipantRegistry_AlreadyAdmitted(organisation);
        }
        _participants[organisation] = Participant({
            status: Status.Admitted,
            roles: roles,
            college: college,
            admittedAt: uint40(block.timestamp)
        });
        emit ParticipantAdmitted(organisation, did, roles, college);
        _bind(organisation, account, Scopes.ALL, type(uint40).max);
        _requirePossession(organisation, account, signature);
    }

    /// @inheritdoc IParticipantRegistry
    function classify(address organisation, uint8 roles, uint8 college) external restricted {
        _requireKnown(organisation);
        Participant storage participant = _participants[organisation];
        (participant.roles, participant.college) = (roles, college);
        emit ParticipantClassified(organisation, roles, college);
    }

    /// @inheritdoc IParticipantRegistry
    function suspend(address organisation) external restricted {
        _requireKnown(organisation);
        _requireNotSuspended(organisation);
        _participants[organisation].status = Status.Suspended;
        emit ParticipantSuspended(organisation);
    }

    /// @inheritdoc IParticipantRegistry
    function reinstate(address organisation) external restricted {
        _requireKnown(organisation);
        Participant storage participant = _participants[organisation];
        if (participant.status == Status.Admitted) {
            revert ParticipantRegistry_AlreadyAdmitted(organisation);
        }
        participant.status = Status.Admitted;
        emit ParticipantReinstated(organisation);
    }

    /// @inheritdoc IParticipantRegistry
    function announceRecovery(
        address organisation,
        address account,
        bytes calldata signature
    ) external restricted {
        _requireKnown(organisation);
        _requireFree(account);
        _requirePossession(organisation, account, signature);
        uint40 executableAt = uint40(block.timestamp) + Notice.SECONDS;
        _recoveries[organisation] = Recovery(account, executableAt);
        emit RecoveryAnnounced(organisation, account, executableAt);
    }

    /// @inheritdoc IParticipantRegistry
    function appointGuardian(address newGuardian) external restricted {
        guardian = newGuardian;
        emit GuardianAppointed(newGuardian);
    }

    /// @inheritdoc IParticipantRegistry
    function stop(uint40 duration) external {
        if (msg.sender == guardian) _useGuardianAllowance(duration);
        else if (!_isGovernance(msg.sender)) revert ParticipantRegistry_NotGuardian(msg.sender);
        uint40 until = uint40(block.timestamp) + duration;
        _stop.until = until;
        emit Stopped(until);
    }

    /// @inheritdoc IParticipantRegistry
    function endStop() external restricted {
        _stop.until = uint40(block.timestamp);
        emit StopEnded();
    }

    // The organisation's own affairs

    /// @inheritdoc IParticipantRegistry
    function describe(
        address organisation,
        string calldata serviceAddress,
        bytes32 didDocumentHash
    ) external onlyManager(organisation) {
        didDocumentHashOf[organisation] = didDocumentHash;
        emit ParticipantDescribed(organisation, serviceAddress, didDocumentHash);
    }

    /// @inheritdoc IParticipantRegistry
    function bindAccount(
        address organisation,
        address account,
        uint8 scopes,
        uint40 expiresAt,
        bytes calldata signature
    ) external onlyManager(organisation) {
        _bind(organisation, account, scopes, expiresAt);
        _requirePossession(organisation, account, signature);
    }

    /// @inheritdoc IParticipantRegistry
    function retireAccount(address account) external {
        Account memory bound = _accounts[account];
        if (bound.organisation == address(0)) revert ParticipantRegistry_AccountUnknown(account);
        if (bound.retiredAt != 0) {
            revert ParticipantRegistry_AccountRetired(account, bound.retiredAt);
        }
        if (msg.sender != account && !speaksFor(msg.sender, bound.organisation, Scopes.MANAGE)) {
            revert ParticipantRegistry_NotAuthorised(msg.sender, bound.organisation, Scopes.MANAGE);
        }
        _accounts[account].retiredAt = uint40(block.timestamp);
        emit AccountRetired(bound.organisation, account);
    }

    /// @inheritdoc IParticipantRegistry
    function delegate(
        address organisation,
        address operator,
        uint8 scopes,
        uint40 expiresAt
    ) external onlyManager(organisation) {
        _requireKnown(operator);
        if (scopes & ~Scopes.DELEGABLE != 0) {
            revert ParticipantRegistry_ScopesInvalid(scopes, Scopes.DELEGABLE);
        }
        if (scopes != 0) _requireFuture(expiresAt);
        _delegations[organisation][operator] = Delegation(scopes, expiresAt);
        emit OperatorDelegated(organisation, operator, scopes, expiresAt);
    }

    // Recovery

    /// @inheritdoc IParticipantRegistry
    function cancelRecovery(address organisation) external {
        if (!speaksFor(msg.sender, organisation, Scopes.MANAGE) && !_isGovernance(msg.sender)) {
            revert ParticipantRegistry_NotAuthorised(msg.sender, organisation, Scopes.MANAGE);
        }
        emit RecoveryCancelled(organisation, _takeRecovery(organisation).account);
    }

    /// @inheritdoc IParticipantRegistry
    function recover(address organisation) external {
        Recovery memory recovery = _takeRecovery(organisation);
        if (block.timestamp < recovery.executableAt) {
            revert ParticipantRegistry_RecoveryNotDue(
                recovery.executableAt,
                uint40(block.timestamp)
            );
        }
        _bind(organisation, recovery.account, Scopes.ALL, type(uint40).max);
    }

    // What the other contracts ask

    /// @inheritdoc IParticipantRegistry
    function authorise(address account, address organisation, uint8 scope) external view {
        (bool speaks, address own) = _speaksFor(account, organisation, scope);
        if (!speaks) revert ParticipantRegistry_NotAuthorised(account, organisation, scope);
        _requireNotSuspended(organisation);
        if (own != organisation) _requireNotSuspended(own);
        requireNotStopped();
    }

    /// @inheritdoc IParticipantRegistry
    function speaksFor(
        address account,
        address organisation,
        uint8 scope
    ) public view returns (bool speaks) {
        (speaks, ) = _speaksFor(account, organisation, scope);
    }

    /// @inheritdoc IParticipantRegistry
    function signsVoucherFor(
        address signer,
        address organisation,
        uint40 periodStart
    ) external view returns (bool) {
        Account memory bound = _accounts[signer];
        if (bound.organisation != organisation || bound.scopes & Scopes.VOUCHER == 0) return false;
        uint40 end = bound.expiresAt;
        if (bound.retiredAt != 0 && bound.retiredAt < end) end = bound.retiredAt;
        if (block.timestamp < end) return true;
        return periodStart < end && block.timestamp < uint256(end) + Notice.SECONDS;
    }

    /// @inheritdoc IParticipantRegistry
    function requireNotStopped() public view {
        uint40 until = _stop.until;
        if (block.timestamp < until) revert ParticipantRegistry_Stopped(until);
    }

    /// @inheritdoc IParticipantRegistry
    function isParticipantAccount(address account) external view returns (bool) {
        return _accounts[account].organisation != address(0);
    }

    // Getters

    /// @inheritdoc IParticipantRegistry
    function participantOf(address organisation) external view returns (Participant memory) {
        return _participants[organisation];
    }

    /// @inheritdoc IParticipantRegistry
    function accountOf(address account) external view returns (Account memory) {
        return _accounts[account];
    }

    /// @inheritdoc IParticipantRegistry
    function delegationOf(
        address organisation,
        address operator
    ) external view returns (Delegation memory) {
        return _delegations[organisation][operator];
    }

    /// @inheritdoc IParticipantRegistry
    function recoveryOf(address organisation) external view returns (Recovery memory) {
        return _recoveries[organisation];
    }

    /// @inheritdoc IParticipantRegistry
    function stoppedUntil() external view returns (uint40) {
        return _stop.until;
    }

    /// @inheritdoc IParticipantRegistry
    function organisationId(string calldata did) public pure returns (address) {
        return address(uint160(uint256(keccak256(bytes(did)))));
    }

    // Parts

    /// @return speaks Whether the account, in service, has the scope for the organisation: its own,
    /// or one that delegates the scope to its own.
    /// @return own The account's own organisation.
    function _speaksFor(
        address account,
        address organisation,
        uint8 scope
    ) private view returns (bool speaks, address own) {
        Account storage bound = _accounts[account];
        own = bound.organisation;
        uint8 scopes = bound.scopes;
        uint40 expiresAt = bound.expiresAt;
        uint40 retiredAt = bound.retiredAt;
        if (scopes & scope == 0 || retiredAt != 0 || block.timestamp >= expiresAt) {
            return (false, own);
        }
        if (own == organisation) return (true, own);
        Delegation storage delegation = _delegations[organisation][own];
        speaks = delegation.scopes & scope != 0 && block.timestamp < delegation.expiresAt;
    }

    function _bind(address organisation, address account, uint8 scopes, uint40 expiresAt) private {
        if (scopes == 0 || scopes & ~Scopes.ALL != 0) {
            revert ParticipantRegistry_ScopesInvalid(scopes, Scopes.ALL);
        }
        _requireFuture(expiresAt);
        _requireFree(account);
        _accounts[account] = Account({
            organisation: organisation,
            scopes: scopes,
            expiresAt: expiresAt,
            retiredAt: 0
        });
        emit AccountBound(organisation, account, scopes, expiresAt);
    }

    function _takeRecovery(address organisation) private returns (Recovery memory recovery) {
        recovery = _recoveries[organisation];
        if (recovery.account == address(0)) revert ParticipantRegistry_NoRecovery(organisation);
        delete _recoveries[organisation];
    }

    function _useGuardianAllowance(uint40 duration) private {
        requireNotStopped();
        Stop storage current = _stop;
        uint40 used = current.guardianSeconds;
        if (block.timestamp >= uint256(current.guardianStoppedAt) + GUARDIAN_RENEWAL) used = 0;
        if (duration > GUARDIAN_ALLOWANCE - used) {
            revert ParticipantRegistry_StopTooLong(duration, GUARDIAN_ALLOWANCE - used);
        }
        current.guardianStoppedAt = uint40(block.timestamp);
        current.guardianSeconds = used + duration;
    }

    function _isGovernance(address caller) private view returns (bool immediate) {
        (immediate, ) = AuthorityUtils.canCallWithDelay(
            authority(),
            caller,
            address(this),
            msg.sig
        );
    }

    /// @dev The account's key or wallet has signed that it acts for the organisation. Nobody signs
    /// for account zero, so it is refused here, too.
    function _requirePossession(
        address organisation,
        address account,
        bytes calldata signature
    ) private view {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(ACCOUNT_BINDING_TYPEHASH, organisation, account))
        );
        if (!AccountSignatures.isValid(account, digest, signature)) {
            revert ParticipantRegistry_PossessionNotProven(account);
        }
    }

    function _requireFree(address account) private view {
        address taken = _accounts[account].organisation;
        if (taken != address(0)) revert ParticipantRegistry_AccountTaken(account, taken);
    }

    function _requireKnown(address organisation) private view {
        if (_participants[organisation].status == Status.Unknown) {
            revert ParticipantRegistry_NotAdmitted(organisation);
        }
    }

    function _requireNotSuspended(address organisation) private view {
        if (_participants[organisation].status == Status.Suspended) {
            revert ParticipantRegistry_OrganisationSuspended(organisation);
        }
    }

    function _requireFuture(uint40 expiresAt) private view {
        if (expiresAt <= block.timestamp) {
            revert ParticipantRegistry_ExpiryPassed(expiresAt, uint40(block.timestamp));
        }
    }
}

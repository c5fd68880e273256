// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAgreementRegistry} from "./interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "./interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {AccountSignatures} from "./libraries/AccountSignatures.sol";
import {AgreementTerms} from "./libraries/AgreementTerms.sol";
import {Periods} from "./libraries/Periods.sol";
import {Scopes} from "./libraries/Scopes.sol";

/// @title AgreementRegistry
/// @notice Documented at its interface, IAgreementRegistry.
contract AgreementRegistry is IAgreementRegistry, EIP712 {
    uint256 private constant PARTIES_MIN = 2;
    uint256 private constant PARTIES_MAX = 32;
    uint256 private constant LINES_MAX = 32;

    /// @inheritdoc IAgreementRegistry
    IParticipantRegistry public immutable REGISTRY;
    /// @inheritdoc IAgreementRegistry
    ICommissionPolicy public immutable POLICY;

    mapping(bytes32 agreementId => Agreement) private _agreements;
    mapping(bytes32 agreementId => mapping(address organisation => Party)) private _parties;

    constructor(
        IParticipantRegistry registry,
        ICommissionPolicy policy
    ) EIP712("PTX AgreementRegistry", "1") {
        REGISTRY = registry;
        POLICY = policy;
    }

    modifier onlySpeaker(bytes32 agreementId, address organisation) {
        if (!_parties[agreementId][organisation].isParty) {
            revert AgreementRegistry_NotParty(agreementId, organisation);
        }
        if (!REGISTRY.speaksFor(msg.sender, organisation, Scopes.AGREE)) {
            revert AgreementRegistry_NotAuthorised(msg.sender, organisation);
        }
        _;
    }

    /// @inheritdoc IAgreementRegistry
    function propose(
        address organisation,
        Terms calldata terms
    ) external returns (bytes32 agreementId) {
        REGISTRY.authorise(msg.sender, organisation, Scopes.AGREE);
        _requireNotOver(terms.validFrom, terms.validUntil);
        agreementId = agreementIdOf(terms);
        if (_agreements[agreementId].state != State.Unknown) {
            revert AgreementRegistry_AlreadyProposed(agreementId);
        }
        _agreements[agreementId] = Agreement({
            state: State.Proposed,
            partyCount: _recordParties(agreementId, terms.parties),
            signatureCount: 0,
            validFrom: terms.validFrom,
            validUntil: terms.validUntil,
            changedAt: uint40(block.timestamp),
            suspensionCount: 0
        });
        if (!_parties[agreementId][organisation].isParty) {
            revert AgreementRegistry_NotParty(agreementId, organisation);
        }
        _requirePriced(agreementId, terms.lines);
        if (terms.parent != 0) _requireSupplement(terms.parent, terms.parties);
        emit AgreementProposed(agreementId, terms.parent, terms);
    }

    /// @inheritdoc IAgreementRegistry
    function sign(
        bytes32 termsHash,
        address organisation,
        address signer,
        bytes calldata signature
    ) external {
        bytes32 agreementId = _hashTypedDataV4(termsHash);
        Agreement storage agreement = _agreements[agreementId];
        Party storage party = _parties[agreementId][organisation];
        _requireState(agreementId, agreement.state == State.Proposed);
        _requireNotOver(agreement.validFrom, agreement.validUntil);
        if (!party.isParty) revert AgreementRegistry_NotParty(agreementId, organisation);
        if (party.signedAt != 0) {
            revert AgreementRegistry_AlreadySigned(agreementId, organisation);
        }
        REGISTRY.authorise(signer, organisation, Scopes.AGREE);
        bytes32 digest = acceptanceDigest(termsHash, organisation);
        if (!AccountSignatures.isValid(signer, digest, signature)) {
            revert AgreementRegistry_SignatureInvalid(agreementId, signer);
        }
        party.signedAt = uint40(block.timestamp);
        emit AgreementSigned(agreementId, organisation, signer);
        if (++agreement.signatureCount == agreement.partyCount) {
            _enter(agreement, State.Active);
            emit AgreementActivated(agreementId);
        }
    }

    /// @inheritdoc IAgreementRegistry
    function suspend(
        bytes32 agreementId,
        address organisation,
        bytes32 reasonHash
    ) external onlySpeaker(agreementId, organisation) {
        Agreement storage agreement = _agreements[agreementId];
        Party storage party = _parties[agreementId][organisation];
        bool mayAdd = agreement.state == State.Suspended && party.suspendedAt == 0;
        _requireState(agreementId, agreement.state == State.Active || mayAdd);
        party.suspendedAt = uint40(block.timestamp);
        if (++agreement.suspensionCount == 1) _enter(agreement, State.Suspended);
        emit AgreementSuspended(agreementId, organisation, reasonHash);
    }

    /// @inheritdoc IAgreementRegistry
    function resume(
        bytes32 agreementId,
        address organisation
    ) external onlySpeaker(agreementId, organisation) {
        Agreement storage agreement = _agreements[agreementId];
        Party storage party = _parties[agreementId][organisation];
        _requireState(agreementId, agreement.state == State.Suspended);
        if (party.suspendedAt == 0) {
            revert AgreementRegistry_NotSuspendedBy(agreementId, organisation);
        }
        party.suspendedAt = 0;
        if (--agreement.suspensionCount == 0) _enter(agreement, State.Active);
        emit AgreementResumed(agreementId, organisation);
    }

    /// @inheritdoc IAgreementRegistry
    function terminate(
        bytes32 agreementId,
        address organisation,
        bytes32 reasonHash
    ) external onlySpeaker(agreementId, organisation) {
        Agreement storage agreement = _agreements[agreementId];
        _requireState(agreementId, agreement.state != State.Terminated);
        _enter(agreement, State.Terminated);
        emit AgreementTerminated(agreementId, organisation, reasonHash);
    }

    /// @inheritdoc IAgreementRegistry
    function isActiveFor(bytes32 agreementId, address organisation) external view returns (bool) {
        Agreement storage agreement = _agreements[agreementId];
        return
            agreement.state == State.Active &&
            agreement.validFrom <= block.timestamp &&
            block.timestamp < agreement.validUntil &&
            _parties[agreementId][organisation].isParty;
    }

    /// @inheritdoc IAgreementRegistry
    function wasActivated(bytes32 agreementId) public view returns (bool) {
        Agreement storage agreement = _agreements[agreementId];
        return agreement.state != State.Unknown && agreement.signatureCount == agreement.partyCount;
    }

    /// @inheritdoc IAgreementRegistry
    function agreementOf(bytes32 agreementId) external view returns (Agreement memory) {
        return _agreements[agreementId];
    }

    /// @inheritdoc IAgreementRegistry
    function partyOf(
        bytes32 agreementId,
        address organisation
    ) external view returns (Party memory) {
        return _parties[agreementId][organisation];
    }

    /// @inheritdoc IAgreementRegistry
    function agreementIdOf(Terms calldata terms) public view returns (bytes32) {
        return _hashTypedDataV4(AgreementTerms.hash(terms));
    }

    /// @inheritdoc IAgreementRegistry
    function acceptanceDigest(
        bytes32 termsHash,
        address organisation
    ) public view returns (bytes32) {
        return _hashTypedDataV4(AgreementTerms.hashAcceptance(termsHash, organisation));
    }

    /// @inheritdoc IAgreementRegistry
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _recordParties(
        bytes32 agreementId,
        address[] calldata parties
    ) private returns (uint8 count) {
        if (parties.length < PARTIES_MIN || parties.length > PARTIES_MAX) {
            revert AgreementRegistry_PartyCountInvalid(parties.length, PARTIES_MIN, PARTIES_MAX);
        }
        for (uint256 i; i < parties.length; ++i) {
            address organisation = parties[i];
            if (i > 0 && organisation <= parties[i - 1]) {
                revert AgreementRegistry_PartiesNotAscending(i);
            }
            IParticipantRegistry.Status status = REGISTRY.participantOf(organisation).status;
            if (status != IParticipantRegistry.Status.Admitted) {
                revert AgreementRegistry_PartyNotAdmitted(organisation);
            }
            _parties[agreementId][organisation].isParty = true;
        }
        return uint8(parties.length);
    }

    function _enter(Agreement storage agreement, State state) private {
        agreement.state = state;
        agreement.changedAt = uint40(block.timestamp);
    }

    /// @dev Every payee is a party, and every category has a rate in the period of now.
    function _requirePriced(bytes32 agreementId, PriceLine[] calldata lines) private view {
        if (lines.length > LINES_MAX) {
            revert AgreementRegistry_TooManyLines(lines.length, LINES_MAX);
        }
        uint32 period = Periods.periodOf(block.timestamp);
        for (uint256 i; i < lines.length; ++i) {
            address payee = lines[i].payee;
            if (!_parties[agreementId][payee].isParty) {
                revert AgreementRegistry_PayeeNotParty(i, payee);
            }
            POLICY.rateOf(lines[i].category, period);
        }
    }

    /// @dev The parent was once active, and all its parties are among the new ones.
    function _requireSupplement(bytes32 parent, address[] calldata parties) private view {
        uint256 kept;
        for (uint256 i; i < parties.length; ++i) {
            if (_parties[parent][parties[i]].isParty) ++kept;
        }
        if (!wasActivated(parent) || kept != _agreements[parent].partyCount) {
            revert AgreementRegistry_ParentInvalid(parent);
        }
    }

    function _requireState(bytes32 agreementId, bool fits) private view {
        if (!fits) {
            revert AgreementRegistry_StateInvalid(agreementId, _agreements[agreementId].state);
        }
    }

    function _requireNotOver(uint64 validFrom, uint64 validUntil) private view {
        if (validFrom >= validUntil || block.timestamp >= validUntil) {
            revert AgreementRegistry_ValidityInvalid(validFrom, validUntil, block.timestamp);
        }
    }
}

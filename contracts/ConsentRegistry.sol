// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IAgreementRegistry} from "./interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Entries} from "./libraries/Entries.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";
import {Scopes} from "./libraries/Scopes.sol";
import {MerkleLog} from "./MerkleLog.sol";

/// @title ConsentRegistry
/// @notice Documented at its interface, IConsentRegistry.
contract ConsentRegistry is IConsentRegistry, MerkleLog, Multicall, EIP712, AccessManaged {
    bytes32 private constant CONSENT_WITHDRAWAL_TYPEHASH =
        keccak256("ConsentWithdrawal(bytes32 leaf)");

    /// @inheritdoc IConsentRegistry
    IParticipantRegistry public immutable REGISTRY;
    /// @inheritdoc IConsentRegistry
    IAgreementRegistry public immutable AGREEMENTS;

    /// @inheritdoc IConsentRegistry
    mapping(address who => mapping(bytes32 leaf => uint256 endedAt)) public revocations;

    constructor(
        address accessManager,
        IParticipantRegistry registry,
        IAgreementRegistry agreements
    ) EIP712("PTX ConsentRegistry", "1") AccessManaged(accessManager) {
        REGISTRY = registry;
        AGREEMENTS = agreements;
    }

    /// @inheritdoc IConsentRegistry
    function anchor(address issuer, bytes32[] calldata leaves) external returns (bytes32 root) {
        REGISTRY.authorise(msg.sender, issuer, Scopes.ANCHOR);
        return _append(issuer, leaves);
    }

    /// @inheritdoc IConsentRegistry
    function withdraw(bytes32 leaf) external {
        _end(msg.sender, leaf);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawBySignature(Withdrawal calldata withdrawal) external {
        if (!_isSigned(withdrawal)) {
            revert ConsentRegistry_SignatureInvalid(withdrawal.holder, withdrawal.leaf);
        }
        _end(withdrawal.holder, withdrawal.leaf);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawManyBySignature(Withdrawal[] calldata withdrawals) external {
        for (uint256 i; i < withdrawals.length; ++i) {
            Withdrawal calldata withdrawal = withdrawals[i];
            if (_isSigned(withdrawal)) _end(withdrawal.holder, withdrawal.leaf);
            else emit WithdrawalRefused(withdrawal.holder, withdrawal.leaf);
        }
    }

    /// @inheritdoc IConsentRegistry
    function revoke(address issuer, bytes32 leaf) external {
        if (!REGISTRY.speaksFor(msg.sender, issuer, Scopes.ANCHOR)) {
            revert ConsentRegistry_NotIssuer(msg.sender, issuer);
        }
        _end(issuer, leaf);
    }

    /// @inheritdoc IConsentRegistry
    function invalidate(bytes32 leaf) external restricted {
        _end(address(this), leaf);
    }

    /// @inheritdoc IConsentRegistry
    function isActive(
        bytes calldata entry,
        InclusionProof calldata proof
    ) external view returns (bool) {
        if (entry.length != Entries.LENGTH) {
            revert ConsentRegistry_EntryLengthInvalid(entry.length, Entries.LENGTH);
        }
        Entries.Entry memory consent = Entries.decode(entry);
        bytes32 leaf = Rfc9162.leafHash(entry);
        return
            consent.entryType == Entries.TYPE_CONSENT &&
            consent.version == Entries.VERSION &&
            consent.validFrom <= block.timestamp &&
            block.timestamp < consent.validUntil &&
            _isAnchored(consent.issuer, leaf, proof) &&
            revocations[consent.holder][leaf] == 0 &&
            revocations[consent.issuer][leaf] == 0 &&
            revocations[address(this)][leaf] == 0 &&
            AGREEMENTS.isActiveFor(consent.agreementId, consent.issuer);
    }

    /// @dev The first ending in a namespace is for ever; a repetition changes nothing.
    function _end(address who, bytes32 leaf) private {
        if (revocations[who][leaf] != 0) return;
        revocations[who][leaf] = block.timestamp;
        emit ConsentEnded(who, leaf);
    }

    function _isSigned(Withdrawal calldata withdrawal) private view returns (bool) {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(CONSENT_WITHDRAWAL_TYPEHASH, withdrawal.leaf))
        );
        (address signer, ECDSA.RecoverError fault, ) = ECDSA.tryRecover(
            digest,
            withdrawal.v,
            withdrawal.r,
            withdrawal.s
        );
        return fault == ECDSA.RecoverError.NoError && signer == withdrawal.holder;
    }
}

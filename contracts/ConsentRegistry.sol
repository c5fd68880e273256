// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
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
    /// @notice When somebody ended a leaf.
    /// @dev One slot; a struct, so that its place is computed once.
    /// @param at Unix seconds; 0: never.
    struct Ending {
        uint256 at;
    }

    bytes32 private constant CONSENT_WITHDRAWAL_TYPEHASH = keccak256(
        "ConsentWithdrawal(bytes32 leaf)"
    );
    /// @dev Half the order of secp256k1: a signature with s above it is the malleated twin.
    uint256 private constant S_MAX =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @inheritdoc IConsentRegistry
    IParticipantRegistry public immutable REGISTRY;
    /// @inheritdoc IConsentRegistry
    IAgreementRegistry public immutable AGREEMENTS;

    /// @inheritdoc IConsentRegistry
    mapping(address who => mapping(bytes32 leaf => Ending)) public revocations;

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
        if (!_endSigned(_domainSeparatorV4(), withdrawal)) {
            revert ConsentRegistry_SignatureInvalid(withdrawal.holder, withdrawal.leaf);
        }
    }

    /// @inheritdoc IConsentRegistry
    function withdrawManyBySignature(Withdrawal[] calldata withdrawals) external {
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i; i < withdrawals.length; ++i) {
            Withdrawal calldata withdrawal = withdrawals[i];
            if (!_endSigned(domain, withdrawal)) {
                emit WithdrawalRefused(withdrawal.holder, withdrawal.leaf);
            }
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
            revocations[consent.holder][leaf].at == 0 &&
            revocations[consent.issuer][leaf].at == 0 &&
            revocations[address(this)][leaf].at == 0 &&
            AGREEMENTS.isActiveFor(consent.agreementId, consent.issuer);
    }

    /// @dev The first ending in a namespace is for ever; a repetition changes nothing.
    function _end(address who, bytes32 leaf) private {
        Ending storage ending = revocations[who][leaf];
        if (ending.at != 0) return;
        ending.at = block.timestamp;
        emit ConsentEnded(who, leaf);
    }

    /// @dev Ends the leaf if its holder signed that.
    function _endSigned(bytes32 domain, Withdrawal calldata withdrawal) private returns (bool) {
        address signer = _signerOf(domain, withdrawal);
        if (signer == address(0) || signer != withdrawal.holder) return false;
        _end(signer, withdrawal.leaf);
        return true;
    }

    /// @dev Who signed the withdrawal; zero: nobody. OpenZeppelin's `ECDSA.tryRecover` over
    /// `MessageHashUtils.toTypedDataHash`, word for word from the calldata, because a relay pays
    /// for hundreds in one batch; a test compares the two. Works in unreserved memory.
    function _signerOf(
        bytes32 domain,
        Withdrawal calldata withdrawal
    ) private view returns (address signer) {
        if (uint256(withdrawal.s) > S_MAX) return address(0);
        bytes32 typehash = CONSENT_WITHDRAWAL_TYPEHASH;
        assembly ("memory-safe") {
            let input := mload(0x40)
            // EIP-712: keccak256(0x1901 ‖ domain ‖ keccak256(typehash ‖ leaf))
            mstore(0, typehash)
            mstore(32, calldataload(add(withdrawal, 32)))
            mstore(input, shl(240, 0x1901))
            mstore(add(input, 2), domain)
            mstore(add(input, 34), keccak256(0, 64))
            mstore(input, keccak256(input, 66))
            // ecrecover(digest, v, r, s)
            mstore(add(input, 32), calldataload(add(withdrawal, 128)))
            calldatacopy(add(input, 64), add(withdrawal, 64), 64)
            mstore(0, 0) // stays when the precompile finds nobody and returns nothing
            if iszero(staticcall(gas(), 1, input, 128, 0, 32)) {
                revert(0, 0) // out of gas, which must not look like a bad signature
            }
            signer := mload(0)
        }
    }
}

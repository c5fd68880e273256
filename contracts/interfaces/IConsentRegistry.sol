// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "./IAgreementRegistry.sol";
import {IMerkleLog} from "./IMerkleLog.sol";
import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// @title Consents: hiding leaves and who ended them
/// @notice Nothing personal, not even the agreement, is on chain: a leaf is SHA-256(0x00 ‖ entry),
/// and the entry carries a hiding commitment. Anyone may end any leaf in their own namespace; only
/// an entry tells whose ending counts: its holder's (withdrawn), its issuer's (revoked) and this
/// contract's (invalidated).
interface IConsentRegistry is IMerkleLog {
    /// @notice A learner's signed withdrawal, EIP-712 `ConsentWithdrawal(bytes32 leaf)`.
    /// @param holder The consent's one-time key, an externally owned account.
    /// @param leaf What ends.
    /// @param r First half of the holder's signature.
    /// @param s Second half, low.
    /// @param v 27 or 28.
    struct Withdrawal {
        address holder;
        bytes32 leaf;
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    /// @notice `who` ended `leaf` in their namespace, for the first time, at this block's time.
    event ConsentEnded(address indexed who, bytes32 indexed leaf);
    /// @notice A signature in a batch was not the holder's; the others were carried out. Proves
    /// nothing, not even that such a consent exists: anyone can have it written with made-up
    /// contents.
    event WithdrawalRefused(address indexed holder, bytes32 indexed leaf);

    /// @notice The signature is not the holder's, or has a high s.
    error ConsentRegistry_SignatureInvalid(address holder, bytes32 leaf);
    /// @notice The account does not speak (anchor) for the issuer.
    error ConsentRegistry_NotIssuer(address account, address issuer);
    /// @notice An entry of a consent has 123 bytes.
    error ConsentRegistry_EntryLengthInvalid(uint256 length, uint256 expected);

    /// @notice Anchors a batch of leaves in the issuer's namespace. By an account authorised
    /// (anchor) for it.
    /// @param leaves 1 to 10,000 leaves, order kept.
    function anchor(address issuer, bytes32[] calldata leaves) external returns (bytes32 root);

    /// @notice Ends the leaf in the sender's own namespace. Idempotent.
    function withdraw(bytes32 leaf) external;

    /// @notice Ends the leaf in the holder's namespace with the holder's signature. Anyone may
    /// submit. Idempotent.
    function withdrawBySignature(Withdrawal calldata withdrawal) external;

    /// @notice The same for many; a bad signature is skipped with an event and spoils nothing.
    function withdrawManyBySignature(Withdrawal[] calldata withdrawals) external;

    /// @notice Ends the leaf in the issuer's namespace. By an account that speaks (anchor) for it.
    /// Idempotent.
    function revoke(address issuer, bytes32 leaf) external;

    /// @notice Ends the leaf in this contract's own namespace. Only governance. Idempotent.
    function invalidate(bytes32 leaf) external;

    /// @notice Whether the consent stands now.
    /// @param entry 123 bytes: type(1) ‖ version(1) ‖ agreementId(32) ‖ issuer(20) ‖ holder(20) ‖
    /// validFrom(8) ‖ validUntil(8) ‖ commitment(33), big-endian.
    function isActive(
        bytes calldata entry,
        InclusionProof calldata proof
    ) external view returns (bool);

    /// @notice Unix seconds at which `who` ended `leaf`; 0 if never.
    function revocations(address who, bytes32 leaf) external view returns (uint256);

    /// @notice Where organisations and their accounts are known.
    function REGISTRY() external view returns (IParticipantRegistry);

    /// @notice Where data-use agreements are known.
    function AGREEMENTS() external view returns (IAgreementRegistry);
}

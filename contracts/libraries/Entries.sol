// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Entries
/// @notice The 123 bytes behind a consent's leaf, big-endian: type(1) ‖ version(1) ‖
/// agreementId(32) ‖ issuer(20) ‖ holder(20) ‖ validFrom(8) ‖ validUntil(8) ‖ commitment(33).
library Entries {
    uint256 internal constant LENGTH = 123;
    uint8 internal constant TYPE_CONSENT = 1;
    uint8 internal constant VERSION = 1;

    /// @notice What an entry says, without its commitment.
    /// @param entryType What kind of entry it is: `TYPE_CONSENT`.
    /// @param version Of the entry's layout: `VERSION`.
    /// @param agreementId The data-use agreement under which the data move.
    /// @param issuer Organisation id of the party that anchors the consent and may revoke it.
    /// @param holder The learner's one-time key, which may withdraw it.
    /// @param validFrom Unix seconds, inclusive.
    /// @param validUntil Unix seconds, exclusive.
    struct Entry {
        uint8 entryType;
        uint8 version;
        bytes32 agreementId;
        address issuer;
        address holder;
        uint64 validFrom;
        uint64 validUntil;
    }

    /// @dev Reads an entry of `LENGTH` bytes. The commitment stays unread: only whoever knows the
    /// document and the blinding can judge it.
    function decode(bytes calldata entry) internal pure returns (Entry memory) {
        return
            Entry({
                entryType: uint8(entry[0]),
                version: uint8(entry[1]),
                agreementId: bytes32(entry[2:34]),
                issuer: address(bytes20(entry[34:54])),
                holder: address(bytes20(entry[54:74])),
                validFrom: uint64(bytes8(entry[74:82])),
                validUntil: uint64(bytes8(entry[82:90]))
            });
    }
}

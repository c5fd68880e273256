// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IMerkleLog} from "./interfaces/IMerkleLog.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";

/// @title MerkleLog
/// @notice Documented at its interface, IMerkleLog.
abstract contract MerkleLog is IMerkleLog {
    uint256 private constant BATCH_SIZE_MAX = 10_000;

    mapping(address issuer => mapping(bytes32 root => Anchor)) internal anchors;

    /// @inheritdoc IMerkleLog
    uint64 public logSize;

    /// @inheritdoc IMerkleLog
    function anchorOf(address issuer, bytes32 root) external view returns (Anchor memory) {
        return anchors[issuer][root];
    }

    /// @dev The caller has checked that the sender may write in the issuer's namespace.
    function _append(address issuer, bytes32[] calldata leaves) internal returns (bytes32 root) {
        if (leaves.length == 0 || leaves.length > BATCH_SIZE_MAX) {
            revert MerkleLog_BatchSizeInvalid(leaves.length, BATCH_SIZE_MAX);
        }
        root = Rfc9162.rootOf(leaves);
        Anchor storage batch = anchors[issuer][root];
        if (batch.anchoredAt != 0) revert MerkleLog_AlreadyAnchored(issuer, root);
        uint64 firstIndex = logSize;
        unchecked {
            logSize = firstIndex + uint64(leaves.length); // no chain carries 2^64 leaves
        }
        batch.anchoredAt = uint40(block.timestamp);
        batch.size = uint32(leaves.length);
        batch.firstIndex = firstIndex;
        emit LeavesAnchored(issuer, root, firstIndex, leaves);
    }

    /// @dev Whether the leaf stands in the issuer's namespace. The proof is checked against the
    /// stored size, so an inner node anchored as a leaf proves nothing below it.
    function _isAnchored(
        address issuer,
        bytes32 leaf,
        InclusionProof calldata proof
    ) internal view returns (bool) {
        uint256 size = anchors[issuer][proof.root].size;
        return Rfc9162.includes(proof.root, size, leaf, proof.index, proof.path);
    }
}

// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Append-only log of leaves in RFC 9162 trees
/// @notice Each batch is one tree, computed on chain from the leaves that the event carries, so any
/// indexer rebuilds everything from the chain alone. Indices have no gap: a missing event is seen
/// at once.
interface IMerkleLog {
    /// @notice One slot: anchoredAt 40 | size 32 | firstIndex 64 (from the lowest bit).
    /// @param anchoredAt Unix seconds.
    /// @param size Leaves in the tree; proofs are checked against it.
    /// @param firstIndex Index of the batch's first leaf in the whole log.
    struct Anchor {
        uint40 anchoredAt;
        uint32 size;
        uint64 firstIndex;
    }

    /// @notice Where a leaf stands in a batch's tree.
    /// @param root Root of the batch's tree.
    /// @param index Index of the leaf in the batch.
    /// @param path Sibling hashes from the leaf up (RFC 9162, section 2.1.3).
    struct InclusionProof {
        bytes32 root;
        uint256 index;
        bytes32[] path;
    }

    /// @notice A batch was anchored; `firstIndex` is the index of its first leaf in the whole log.
    event LeavesAnchored(
        address indexed issuer,
        bytes32 indexed root,
        uint64 firstIndex,
        bytes32[] leaves
    );

    /// @notice A batch has 1 to `maximum` leaves.
    error MerkleLog_BatchSizeInvalid(uint256 size, uint256 maximum);
    /// @notice The issuer has anchored the same batch before.
    error MerkleLog_AlreadyAnchored(address issuer, bytes32 root);

    /// @notice The batch with this root in the issuer's namespace; all zero if there is none.
    function anchorOf(address issuer, bytes32 root) external view returns (Anchor memory);

    /// @notice Leaves in the whole log.
    function logSize() external view returns (uint64);
}

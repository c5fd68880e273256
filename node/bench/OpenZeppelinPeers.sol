// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {MerkleTree} from "@openzeppelin/contracts/utils/structs/MerkleTree.sol";

// OpenZeppelin's parts, each behind the least that makes it callable, so that `make bench` can
// measure them beside the ledger's acts. Never deployed anywhere else: nothing here asks who calls.

/// @notice A log of commitments: one tree, with the event of OpenZeppelin's own example.
contract PeerLog {
    using MerkleTree for MerkleTree.Bytes32PushTree;

    uint8 private constant DEPTH = 20;

    MerkleTree.Bytes32PushTree private _tree;

    event LeafInserted(bytes32 leaf, uint256 index, bytes32 root);

    constructor() {
        _tree.setup(DEPTH, bytes32(0));
    }

    function push(bytes32 leaf) public {
        (uint256 index, bytes32 root) = _tree.push(leaf);
        emit LeafInserted(leaf, index, root);
    }

    function pushMany(bytes32[] calldata leaves) external {
        for (uint256 i; i < leaves.length; ++i) push(leaves[i]);
    }
}

/// @notice Checks a proof against a root that was stored before.
contract PeerProofs {
    mapping(bytes32 root => bool) public isKnown;

    function addRoot(bytes32 root) external {
        isKnown[root] = true;
    }

    function verify(
        bytes32[] calldata proof,
        bytes32 root,
        bytes32 leaf
    ) external view returns (bool) {
        return isKnown[root] && MerkleProof.verifyCalldata(proof, root, leaf);
    }
}

/// @notice Marks leaves in the namespace of whoever sends or signs.
contract PeerMarks is EIP712 {
    using BitMaps for BitMaps.BitMap;

    struct Mark {
        address holder;
        bytes32 leaf;
        bytes signature;
    }

    bytes32 private constant MARK_TYPEHASH = keccak256("Mark(bytes32 leaf)");

    mapping(address holder => BitMaps.BitMap) private _marks;

    error SignatureInvalid(address holder);

    constructor() EIP712("Marks", "1") {}

    function mark(bytes32 leaf) external {
        _marks[msg.sender].set(uint256(leaf));
    }

    function markBySignature(Mark calldata one) public {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(MARK_TYPEHASH, one.leaf)));
        if (ECDSA.recover(digest, one.signature) != one.holder) revert SignatureInvalid(one.holder);
        _marks[one.holder].set(uint256(one.leaf));
    }

    function markManyBySignature(Mark[] calldata many) external {
        for (uint256 i; i < many.length; ++i) markBySignature(many[i]);
    }
}

/// @notice A token that anyone mints.
contract PeerToken is ERC20, ERC20Permit {
    constructor() ERC20("Peer Token", "PEER") ERC20Permit("Peer Token") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice A vault over a token.
contract PeerVault is ERC4626 {
    constructor(IERC20 asset_) ERC20("Peer Vault", "VAULT") ERC4626(asset_) {}
}

/// @notice Pays out of its own balance.
contract PeerPayments {
    using SafeERC20 for IERC20;

    function pay(IERC20 token, address[] calldata to, uint256[] calldata amounts) external {
        for (uint256 i; i < to.length; ++i) token.safeTransfer(to[i], amounts[i]);
    }
}

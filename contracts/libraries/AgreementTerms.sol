// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../interfaces/IAgreementRegistry.sol";

/// @title AgreementTerms
/// @notice EIP-712 struct hash of an agreement's terms.
library AgreementTerms {
    bytes32 private constant PRICE_LINE_TYPEHASH =
        keccak256("PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)");
    bytes32 private constant TERMS_TYPEHASH =
        keccak256(
            "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
            "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)"
            "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)"
        );

    function hash(IAgreementRegistry.Terms calldata terms) internal pure returns (bytes32) {
        bytes32[] memory lineHashes = new bytes32[](terms.lines.length);
        for (uint256 i; i < lineHashes.length; ++i) {
            lineHashes[i] = keccak256(abi.encode(PRICE_LINE_TYPEHASH, terms.lines[i]));
        }
        return
            keccak256(
                abi.encode(
                    TERMS_TYPEHASH,
                    keccak256(abi.encodePacked(terms.parties)),
                    terms.validFrom,
                    terms.validUntil,
                    terms.policyHash,
                    terms.documentHash,
                    terms.rulebook,
                    terms.parent,
                    terms.salt,
                    keccak256(abi.encodePacked(lineHashes))
                )
            );
    }
}

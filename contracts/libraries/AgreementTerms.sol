// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../interfaces/IAgreementRegistry.sol";

/// @title AgreementTerms
/// @notice EIP-712 struct hashes of an agreement's terms and of a party's acceptance of them.
library AgreementTerms {
    bytes32 private constant PRICE_LINE_TYPEHASH = keccak256(
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)"
    );
    bytes32 private constant TERMS_TYPEHASH = keccak256(
        "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
        "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)"
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)"
    );
    bytes32 private constant ACCEPTANCE_TYPEHASH = keccak256(
        "Acceptance(address organisation,Terms terms)"
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)"
        "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
        "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)"
    );

    /// @dev EIP-712 `hashStruct` of `Acceptance`, from that of its terms.
    function hashAcceptance(
        bytes32 termsHash,
        address organisation
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(ACCEPTANCE_TYPEHASH, organisation, termsHash));
    }

    /// @dev EIP-712 `hashStruct` over the words of the calldata as they are: a price line's four
    /// and the seven from `validFrom` to `salt` lie there in the order of the type. A word with
    /// bits beyond its type gives an id that nobody signed, and no event can be written with it.
    function hash(IAgreementRegistry.Terms calldata terms) internal pure returns (bytes32 result) {
        address[] calldata parties = terms.parties;
        IAgreementRegistry.PriceLine[] calldata lines = terms.lines;
        (bytes32 termsType, bytes32 lineType) = (TERMS_TYPEHASH, PRICE_LINE_TYPEHASH);
        assembly ("memory-safe") {
            let words := mload(0x40)
            let array := add(words, 320)
            // words: type ‖ parties ‖ validFrom … salt ‖ lines
            mstore(words, termsType)
            calldatacopy(array, parties.offset, mul(parties.length, 32))
            mstore(add(words, 32), keccak256(array, mul(parties.length, 32)))
            calldatacopy(add(words, 64), add(terms, 32), 224)
            // array: the lines' hashes, with one line at a time behind its place
            let line := lines.offset
            let place := array
            let end := add(array, mul(lines.length, 32))
            for {} lt(place, end) {} {
                mstore(place, lineType)
                calldatacopy(add(place, 32), line, 128)
                mstore(place, keccak256(place, 160))
                line := add(line, 128)
                place := add(place, 32)
            }
            mstore(add(words, 288), keccak256(array, mul(lines.length, 32)))
            result := keccak256(words, 320)
        }
    }
}

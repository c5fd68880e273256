// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {AgreementRegistry} from "../../contracts/AgreementRegistry.sol";
import {ConsentRegistry} from "../../contracts/ConsentRegistry.sol";
import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {AccountSignatures} from "../../contracts/libraries/AccountSignatures.sol";
import {AgreementTerms} from "../../contracts/libraries/AgreementTerms.sol";
import {Commissions} from "../../contracts/libraries/Commissions.sol";
import {Entries} from "../../contracts/libraries/Entries.sol";
import {Periods} from "../../contracts/libraries/Periods.sol";
import {Rfc9162} from "../../contracts/libraries/Rfc9162.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {UsageSettlement} from "../../contracts/UsageSettlement.sol";
import {VectorReader} from "./VectorReader.sol";

/// @notice The golden vectors of tests/vectors, which Python and the pages read as well, against
/// the contracts, each at the address and on the chain that its vector names.
contract VectorsTest is VectorReader {
    IParticipantRegistry private constant NO_REGISTRY = IParticipantRegistry(address(1));
    IAgreementRegistry private constant NO_AGREEMENTS = IAgreementRegistry(address(1));

    // EIP-712

    function test_terms() public {
        AgreementRegistry agreements = _agreementRegistryAt(_open("eip712/terms"));
        IAgreementRegistry.Terms memory terms = _terms(".typedData.message");
        assertEq(agreements.DOMAIN_SEPARATOR(), _hash(".domainSeparator"));
        assertEq(this.termsHash(terms), _hash(".structHash"));
        assertEq(agreements.agreementIdOf(terms), _hash(".digest"));
        _expectSigned();
    }

    function test_acceptance() public {
        AgreementRegistry agreements = _agreementRegistryAt(_open("eip712/acceptance"));
        bytes32 termsHash_ = this.termsHash(_terms(".typedData.message.terms"));
        address organisation = _address(".typedData.message.organisation");
        assertEq(agreements.DOMAIN_SEPARATOR(), _hash(".domainSeparator"));
        assertEq(agreements.acceptanceDigest(termsHash_, organisation), _hash(".digest"));
        _expectSigned();
    }

    function test_voucher() public {
        address at = _open("eip712/voucher");
        bytes memory parts = abi.encode(NO_REGISTRY, NO_AGREEMENTS, address(1), address(1), at);
        _deployTo(at, abi.encodePacked(type(UsageSettlement).creationCode, parts));
        IUsageSettlement.Voucher memory voucher = IUsageSettlement.Voucher({
            agreementId: _hash(".typedData.message.agreementId"),
            consumer: _address(".typedData.message.consumer"),
            period: uint32(_uint(".typedData.message.period")),
            units: uint64(_uint(".typedData.message.units")),
            usageRoot: _hash(".typedData.message.usageRoot")
        });
        assertEq(UsageSettlement(at).voucherDigest(voucher), _hash(".digest"));
        _expectSigned();
    }

    function test_consentWithdrawal() public {
        ConsentRegistry consents = _consentRegistryAt(_open("eip712/consent-withdrawal"));
        address holder = _address(".signer");
        bytes32 leaf = _hash(".typedData.message.leaf");
        consents.withdrawBySignature(_withdrawal(holder, leaf, _bytes(".signature")));
        assertEq(consents.revocations(holder, leaf), block.timestamp);
        _expectSigned();
    }

    function test_accountBinding() public {
        address at = _open("eip712/account-binding");
        AccessManager manager = new AccessManager(address(this));
        _deployTo(
            at,
            abi.encodePacked(type(ParticipantRegistry).creationCode, abi.encode(manager))
        );
        ParticipantRegistry registry = ParticipantRegistry(at);
        address account = _address(".typedData.message.account");
        address organisation = _address(".typedData.message.organisation");
        bytes memory signature = _bytes(".signature");
        assertEq(
            registry.admit("did:web:employer.example", 0, 0, account, signature),
            organisation
        );
        assertEq(registry.accountOf(account).organisation, organisation);
        _expectSigned();
    }

    /// @notice No contract reads a grant or a binding; they are signed in the registry's domain.
    function test_consentGrantAndHolderBinding_inTheRegistrysDomain() public {
        string[2] memory names = ["eip712/consent-grant", "eip712/holder-binding"];
        for (uint256 i; i < 2; ++i) {
            address at = _open(names[i]);
            bytes32 domain = _domainOf(_consentRegistryAt(at));
            assertEq(domain, _hash(".domainSeparator"));
            assertEq(keccak256(bytes(_string(".encodedType"))), _hash(".typeHash"));
            assertEq(_messageHash(i == 0), _hash(".structHash"));
            assertEq(
                keccak256(abi.encodePacked(hex"1901", domain, _messageHash(i == 0))),
                _hash(".digest")
            );
            _expectSigned();
        }
    }

    function test_slip_isAWithdrawalThatAnyoneMaySubmit() public {
        json = vm.readFile("tests/vectors/slips/plain.json");
        vm.chainId(_uint(".chainId"));
        ConsentRegistry consents = _consentRegistryAt(_address(".registry"));
        (address holder, bytes32 leaf) = (_address(".holder"), _hash(".leaf"));
        consents.withdrawBySignature(_withdrawal(holder, leaf, _bytes(".signature")));
        assertEq(consents.revocations(holder, leaf), block.timestamp);
        assertEq(this.leafHash(_bytes(".entry")), leaf);
    }

    // Leaves and trees

    function test_entries() public {
        string[3] memory names = ["one", "two", "extreme"];
        for (uint256 i; i < names.length; ++i) {
            json = vm.readFile(string.concat("tests/vectors/entries/", names[i], ".json"));
            bytes memory entry = _bytes(".entry");
            assertEq(this.leafHash(entry), _hash(".leaf"));
            Entries.Entry memory decoded = this.decode(entry);
            assertEq(decoded.entryType, _uint(".entryType"));
            assertEq(decoded.version, _uint(".version"));
            assertEq(decoded.agreementId, _hash(".agreementId"));
            assertEq(decoded.issuer, _address(".issuer"));
            assertEq(decoded.holder, _address(".holder"));
            assertEq(decoded.validFrom, _uint(".validFrom"));
            assertEq(decoded.validUntil, _uint(".validUntil"));
            assertEq(entry.length, Entries.LENGTH);
        }
    }

    function test_trees() public {
        for (uint256 size = 1; size <= 9; ++size) {
            json = vm.readFile(
                string.concat("tests/vectors/merkle/tree-", vm.toString(size), ".json")
            );
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, ".leaves");
            assertEq(leaves.length, size);
            assertEq(this.rootOf(leaves), _hash(".root"));
            for (uint256 i; i < size; ++i) {
                bytes32[] memory path = _pathOf(i);
                assertTrue(this.includes(_hash(".root"), size, leaves[i], i, path));
            }
        }
    }

    function test_paddedTrees() public {
        json = vm.readFile("tests/vectors/merkle/padded-sizes.json");
        uint256 count;
        for (; _has(_at(".roots", count, "")); ++count) {
            bytes32[] memory leaves = new bytes32[](_uint(_at(".roots", count, ".size")));
            for (uint256 i; i < leaves.length; ++i) {
                leaves[i] = sha256(abi.encodePacked(bytes1(0), uint32(i)));
            }
            assertEq(this.rootOf(leaves), _hash(_at(".roots", count, ".root")));
        }
        assertEq(count, 7);
    }

    // Organisations, months and commissions

    function test_organisations() public {
        json = vm.readFile("tests/vectors/identifiers/organisations.json");
        ParticipantRegistry registry = new ParticipantRegistry(address(this));
        uint256 count;
        for (; _has(_at(".cases", count, "")); ++count) {
            assertEq(
                registry.organisationId(_string(_at(".cases", count, ".did"))),
                _address(_at(".cases", count, ".id"))
            );
        }
        assertEq(count, 4);
    }

    function test_periods() public {
        json = vm.readFile("tests/vectors/periods/borders.json");
        uint256 count;
        for (; _has(_at(".cases", count, "")); ++count) {
            uint32 period = Periods.periodOf(_uint(_at(".cases", count, ".time")));
            assertEq(period, _uint(_at(".cases", count, ".period")));
            assertEq(Periods.startOf(period), _uint(_at(".cases", count, ".startsAt")));
        }
        assertEq(count, 6);
    }

    function test_commissions() public {
        string[5] memory names = ["no-commission", "free-units", "largest", "plain", "rounding"];
        for (uint256 i; i < names.length; ++i) {
            json = vm.readFile(string.concat("tests/vectors/commission/", names[i], ".json"));
            uint256 count;
            for (; _has(_at(".settlements", count, "")); ++count) {
                _expectAmounts(_at(".settlements", count, ""));
            }
            assertGt(count, 0);
        }
    }

    // The libraries, called

    function termsHash(IAgreementRegistry.Terms calldata terms) external pure returns (bytes32) {
        return AgreementTerms.hash(terms);
    }

    function leafHash(bytes calldata entry) external pure returns (bytes32) {
        return Rfc9162.leafHash(entry);
    }

    function decode(bytes calldata entry) external pure returns (Entries.Entry memory) {
        return Entries.decode(entry);
    }

    function rootOf(bytes32[] calldata leaves) external view returns (bytes32) {
        return Rfc9162.rootOf(leaves);
    }

    function includes(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) external view returns (bool) {
        return Rfc9162.includes(root, size, leaf, index, path);
    }

    function amountBetween(
        IAgreementRegistry.PriceLine calldata line,
        uint64 fromUnits,
        uint64 toUnits,
        uint16 rateBps
    ) external pure returns (IUsageSettlement.LineAmount memory) {
        return Commissions.amountBetween(line, fromUnits, toUnits, rateBps);
    }

    function isValid(
        address signer,
        bytes32 digest,
        bytes calldata signature
    ) external view returns (bool) {
        return AccountSignatures.isValid(signer, digest, signature);
    }

    // Parts

    /// @dev Reads a typed message, goes to its chain, and says where its contract is.
    function _open(string memory name) private returns (address verifyingContract) {
        json = vm.readFile(string.concat("tests/vectors/", name, ".json"));
        vm.chainId(_uint(".typedData.domain.chainId"));
        return _address(".typedData.domain.verifyingContract");
    }

    function _expectSigned() private view {
        assertTrue(this.isValid(_address(".signer"), _hash(".digest"), _bytes(".signature")));
    }

    function _agreementRegistryAt(address at) private returns (AgreementRegistry) {
        bytes memory parts = abi.encode(NO_REGISTRY, address(1));
        _deployTo(at, abi.encodePacked(type(AgreementRegistry).creationCode, parts));
        return AgreementRegistry(at);
    }

    function _consentRegistryAt(address at) private returns (ConsentRegistry) {
        bytes memory parts = abi.encode(address(this), NO_REGISTRY, NO_AGREEMENTS);
        _deployTo(at, abi.encodePacked(type(ConsentRegistry).creationCode, parts));
        return ConsentRegistry(at);
    }

    /// @dev Runs a constructor at an address of one's choice.
    function _deployTo(address at, bytes memory creationCode) private {
        vm.etch(at, creationCode);
        (bool success, bytes memory runtimeCode) = at.call("");
        assertTrue(success);
        vm.etch(at, runtimeCode);
    }

    function _domainOf(ConsentRegistry consents) private view returns (bytes32) {
        (, string memory name, string memory version, uint256 chainId, address at, , ) = consents
            .eip712Domain();
        bytes32 typehash = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        return
            keccak256(
                abi.encode(typehash, keccak256(bytes(name)), keccak256(bytes(version)), chainId, at)
            );
    }

    function _messageHash(bool ofGrant) private view returns (bytes32) {
        bytes32 agreementId = _hash(".typedData.message.agreementId");
        address holder = _address(".typedData.message.holder");
        if (!ofGrant) return keccak256(abi.encode(_hash(".typeHash"), agreementId, holder));
        return
            keccak256(
                abi.encode(
                    _hash(".typeHash"),
                    _uint(".typedData.message.entryType"),
                    _uint(".typedData.message.version"),
                    agreementId,
                    _address(".typedData.message.issuer"),
                    holder,
                    _uint(".typedData.message.validFrom"),
                    _uint(".typedData.message.validUntil"),
                    keccak256(_bytes(".typedData.message.commitment"))
                )
            );
    }

    function _terms(string memory at) private view returns (IAgreementRegistry.Terms memory terms) {
        terms.parties = vm.parseJsonAddressArray(json, string.concat(at, ".parties"));
        terms.validFrom = uint64(_uint(string.concat(at, ".validFrom")));
        terms.validUntil = uint64(_uint(string.concat(at, ".validUntil")));
        terms.policyHash = _hash(string.concat(at, ".policyHash"));
        terms.documentHash = _hash(string.concat(at, ".documentHash"));
        terms.rulebook = _hash(string.concat(at, ".rulebook"));
        terms.parent = _hash(string.concat(at, ".parent"));
        terms.salt = _hash(string.concat(at, ".salt"));
        terms.lines = new IAgreementRegistry.PriceLine[](2);
        for (uint256 i; i < 2; ++i) {
            string memory line = _at(string.concat(at, ".lines"), i, "");
            terms.lines[i] = IAgreementRegistry.PriceLine({
                payee: _address(string.concat(line, ".payee")),
                category: uint16(_uint(string.concat(line, ".category"))),
                unitPrice: uint64(_uint(string.concat(line, ".unitPrice"))),
                freeUnits: uint64(_uint(string.concat(line, ".freeUnits")))
            });
        }
    }

    function _expectAmounts(string memory key) private view {
        for (uint256 i; _has(_at(".lines", i, "")); ++i) {
            string memory line = _at(".lines", i, "");
            string memory amounts = _at(string.concat(key, ".amounts"), i, "");
            IUsageSettlement.LineAmount memory amount = this.amountBetween(
                IAgreementRegistry.PriceLine({
                    payee: address(1),
                    category: 1,
                    unitPrice: uint64(_uint(string.concat(line, ".unitPrice"))),
                    freeUnits: uint64(_uint(string.concat(line, ".freeUnits")))
                }),
                uint64(_uint(string.concat(key, ".fromUnits"))),
                uint64(_uint(string.concat(key, ".toUnits"))),
                uint16(_uint(string.concat(line, ".rateBps")))
            );
            assertEq(amount.gross, _uint(string.concat(amounts, ".gross")));
            assertEq(
                amount.commissionRoundedDown,
                _uint(string.concat(amounts, ".commissionRoundedDown"))
            );
        }
    }

    /// @dev An empty list is no array of hashes to the reader of JSON, so its first is asked for.
    function _pathOf(uint256 index) private view returns (bytes32[] memory) {
        string memory key = _at(".paths", index, "");
        if (!_has(string.concat(key, "[0]"))) return new bytes32[](0);
        return vm.parseJsonBytes32Array(json, key);
    }

    function _withdrawal(
        address holder,
        bytes32 leaf,
        bytes memory signature
    ) private pure returns (IConsentRegistry.Withdrawal memory withdrawal) {
        (withdrawal.holder, withdrawal.leaf) = (holder, leaf);
        withdrawal.v = uint8(signature[64]);
        (bytes32 r, bytes32 s) = (0, 0);
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
        (withdrawal.r, withdrawal.s) = (r, s);
    }
}

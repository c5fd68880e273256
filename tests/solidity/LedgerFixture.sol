// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Test} from "forge-std/Test.sol";

import {AgreementRegistry} from "../../contracts/AgreementRegistry.sol";
import {CommissionPolicy} from "../../contracts/CommissionPolicy.sol";
import {CommonsTreasury} from "../../contracts/CommonsTreasury.sol";
import {ConsentRegistry} from "../../contracts/ConsentRegistry.sol";
import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../contracts/interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {UsageSettlement} from "../../contracts/UsageSettlement.sol";
import {UsageToken} from "../../contracts/UsageToken.sol";

/// @notice The whole ledger as it is deployed, with three organisations: a school and a company
/// that exchange data, and an operator. Digests are computed here by hand from EIP-712, not asked
/// from the contracts.
abstract contract LedgerFixture is Test {
    struct Organisation {
        address id;
        address account;
        uint256 key;
    }

    uint256 internal constant START = 1_796_083_200; // 1 December 2026, 00:00 UTC
    uint32 internal constant PERIOD = (2026 - 1970) * 12 + 11;
    uint16 internal constant CATALOGUE = 1;
    uint16 internal constant CONSENT = 2;
    uint16 internal constant CATALOGUE_BPS = 500;
    uint16 internal constant CONSENT_BPS = 250;
    uint40 internal constant FOREVER = type(uint40).max;
    uint256 internal constant EURO = 1e6;
    string private constant LINE_TYPE =
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)";
    string private constant TERMS_TYPE =
        "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
        "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)";

    address internal proposer = makeAddr("proposer");
    address internal stranger = makeAddr("stranger");
    TimelockController internal timelock;
    AccessManager internal manager;
    ParticipantRegistry internal registry;
    CommissionPolicy internal policy;
    AgreementRegistry internal agreements;
    ConsentRegistry internal consents;
    UsageToken internal token;
    UsageSettlement internal settlement;
    CommonsTreasury internal treasury;

    Organisation internal school;
    Organisation internal company;
    Organisation internal operator;
    /// @notice What is signed of each agreement that was proposed here.
    mapping(bytes32 agreementId => bytes32) internal termsHashOf;

    function setUp() public virtual {
        vm.warp(START);
        _deploy();
        school = _admit("did:ebsi:school");
        company = _admit("did:ebsi:company");
        operator = _admit("did:ebsi:operator");
    }

    function _deploy() private {
        address deployer = makeAddr("deployer");
        address[] memory proposers = new address[](1);
        proposers[0] = proposer;
        ICommissionPolicy.InitialRate[] memory rates = new ICommissionPolicy.InitialRate[](2);
        rates[0] = ICommissionPolicy.InitialRate(CATALOGUE, CATALOGUE_BPS);
        rates[1] = ICommissionPolicy.InitialRate(CONSENT, CONSENT_BPS);

        vm.startPrank(deployer);
        timelock = TimelockController(
            payable(
                deployCode(
                    "TimelockController.sol:TimelockController",
                    abi.encode(2 days, proposers, new address[](1), address(0))
                )
            )
        );
        manager = AccessManager(
            deployCode("AccessManager.sol:AccessManager", abi.encode(timelock))
        );
        registry = new ParticipantRegistry(address(manager));
        policy = new CommissionPolicy(address(manager), rates);
        agreements = new AgreementRegistry(registry, policy);
        consents = new ConsentRegistry(address(manager), registry, agreements);
        // The token knows two contracts that come after it.
        token = new UsageToken(
            address(manager),
            registry,
            vm.computeCreateAddress(deployer, 7),
            vm.computeCreateAddress(deployer, 8)
        );
        settlement = new UsageSettlement(
            registry,
            agreements,
            policy,
            token,
            vm.computeCreateAddress(deployer, 8)
        );
        treasury = new CommonsTreasury(address(manager), token);
        vm.stopPrank();
    }

    // Organisations and accounts

    function _admit(string memory did) internal returns (Organisation memory organisation) {
        organisation.id = address(uint160(uint256(keccak256(bytes(did)))));
        (organisation.account, organisation.key) = makeAddrAndKey(did);
        bytes memory signature = _signBinding(organisation.id, organisation.key);
        vm.prank(address(timelock));
        registry.admit(did, 15, 1, organisation.account, signature);
    }

    function _bind(
        Organisation memory organisation,
        string memory name,
        uint8 scopes,
        uint40 expiresAt
    ) internal returns (address account, uint256 key) {
        (account, key) = makeAddrAndKey(name);
        bytes memory signature = _signBinding(organisation.id, key);
        vm.prank(organisation.account);
        registry.bindAccount(organisation.id, account, scopes, expiresAt, signature);
    }

    function _signBinding(address organisation, uint256 key) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("AccountBinding(address organisation,address account)"),
                organisation,
                vm.addr(key)
            )
        );
        return _sign(key, _digest("PTX ParticipantRegistry", address(registry), structHash));
    }

    // Agreements

    /// @notice The company pays the operator's service and the school's data.
    function _terms() internal view returns (IAgreementRegistry.Terms memory terms) {
        terms.parties = _sorted(school.id, company.id, operator.id);
        terms.validFrom = uint64(START);
        terms.validUntil = uint64(START + 365 days);
        terms.policyHash = sha256("policies");
        terms.documentHash = sha256("document");
        terms.salt = keccak256("salt");
        terms.lines = new IAgreementRegistry.PriceLine[](2);
        terms.lines[0] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, 10_001, 10);
        terms.lines[1] = IAgreementRegistry.PriceLine(operator.id, CONSENT, 3_333, 0);
    }

    function _twoPartyTerms() internal view returns (IAgreementRegistry.Terms memory terms) {
        terms = _terms();
        terms.parties = _sorted(school.id, company.id);
        terms.lines = new IAgreementRegistry.PriceLine[](1);
        terms.lines[0] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, 10_001, 10);
    }

    function _propose(
        IAgreementRegistry.Terms memory terms
    ) internal returns (bytes32 agreementId) {
        return _proposeBy(school.account, school.id, terms);
    }

    function _proposeBy(
        address account,
        address organisation,
        IAgreementRegistry.Terms memory terms
    ) internal returns (bytes32 agreementId) {
        vm.prank(account);
        agreementId = agreements.propose(organisation, terms);
        termsHashOf[agreementId] = _termsHash(terms);
    }

    function _signAgreement(bytes32 agreementId, Organisation memory party) internal {
        bytes memory signature = _signAcceptance(agreementId, party.id, party.key);
        agreements.sign(termsHashOf[agreementId], party.id, party.account, signature);
    }

    /// @notice A signature that takes the terms of an agreement for one of its parties.
    function _signAcceptance(
        bytes32 agreementId,
        address organisation,
        uint256 key
    ) internal view returns (bytes memory) {
        return _sign(key, _acceptanceDigest(termsHashOf[agreementId], organisation));
    }

    function _acceptanceDigest(
        bytes32 termsHash,
        address organisation
    ) internal view returns (bytes32) {
        string memory acceptanceType = "Acceptance(address organisation,Terms terms)";
        bytes32 typehash = keccak256(abi.encodePacked(acceptanceType, LINE_TYPE, TERMS_TYPE));
        return _agreementDigest(keccak256(abi.encode(typehash, organisation, termsHash)));
    }

    /// @notice In the registry's domain: of the terms their id, of an acceptance what is signed.
    function _agreementDigest(bytes32 structHash) internal view returns (bytes32) {
        return _digest("PTX AgreementRegistry", address(agreements), structHash);
    }

    function _termsHash(IAgreementRegistry.Terms memory terms) internal pure returns (bytes32) {
        bytes32[] memory lines = new bytes32[](terms.lines.length);
        for (uint256 i; i < lines.length; ++i) {
            lines[i] = keccak256(abi.encode(keccak256(bytes(LINE_TYPE)), terms.lines[i]));
        }
        bytes memory head = abi.encode(
            keccak256(abi.encodePacked(TERMS_TYPE, LINE_TYPE)),
            keccak256(abi.encodePacked(terms.parties)),
            terms.validFrom,
            terms.validUntil
        );
        bytes memory tail = abi.encode(
            terms.policyHash,
            terms.documentHash,
            terms.rulebook,
            terms.parent,
            terms.salt,
            keccak256(abi.encodePacked(lines))
        );
        return keccak256(abi.encodePacked(head, tail));
    }

    function _activate(
        IAgreementRegistry.Terms memory terms
    ) internal returns (bytes32 agreementId) {
        agreementId = _propose(terms);
        for (uint256 i; i < terms.parties.length; ++i) {
            _signAgreement(agreementId, _byId(terms.parties[i]));
        }
    }

    function _byId(address id) internal view returns (Organisation memory) {
        if (id == school.id) return school;
        return id == company.id ? company : operator;
    }

    // Money

    function _fund(address account, uint256 amount) internal {
        vm.prank(address(timelock));
        token.issue(account, amount, keccak256("payment"));
    }

    function _deposit(bytes32 agreementId, Organisation memory consumer, uint256 amount) internal {
        _fund(consumer.account, amount);
        vm.startPrank(consumer.account);
        token.approve(address(settlement), amount);
        settlement.deposit(agreementId, consumer.id, amount);
        vm.stopPrank();
    }

    function _voucher(
        bytes32 agreementId,
        uint64 units
    ) internal view returns (IUsageSettlement.Voucher memory) {
        return
            IUsageSettlement.Voucher({
                agreementId: agreementId,
                consumer: company.id,
                period: PERIOD,
                units: units,
                usageRoot: keccak256(abi.encode(units))
            });
    }

    function _voucherDigest(
        IUsageSettlement.Voucher memory voucher
    ) internal view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Voucher(bytes32 agreementId,address consumer,uint32 period,uint64 units,"
                    "bytes32 usageRoot)"
                ),
                voucher.agreementId,
                voucher.consumer,
                voucher.period,
                voucher.units,
                voucher.usageRoot
            )
        );
        return _digest("PTX UsageSettlement", address(settlement), structHash);
    }

    function _settle(
        IAgreementRegistry.Terms memory terms,
        IUsageSettlement.Voucher memory voucher,
        uint64 upTo
    ) internal {
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        settlement.settle(terms, voucher, upTo, company.account, signature);
    }

    // Signatures

    function _digest(
        string memory name,
        address verifyingContract,
        bytes32 structHash
    ) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @notice The same signature with the other s, which also recovers but is refused.
    function _malleate(bytes memory signature) internal pure returns (bytes memory) {
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        (bytes32 r, bytes32 s) = abi.decode(_head(signature), (bytes32, bytes32));
        uint8 v = uint8(signature[64]) == 27 ? 28 : 27;
        return abi.encodePacked(r, bytes32(order - uint256(s)), v);
    }

    function _head(bytes memory signature) private pure returns (bytes memory head) {
        head = new bytes(64);
        for (uint256 i; i < 64; ++i) head[i] = signature[i];
    }

    // Ids in order

    function _sorted(address a, address b) internal pure returns (address[] memory ids) {
        ids = new address[](2);
        (ids[0], ids[1]) = a < b ? (a, b) : (b, a);
    }

    function _sorted(address a, address b, address c) internal pure returns (address[] memory ids) {
        ids = new address[](3);
        (ids[0], ids[1], ids[2]) = (a, b, c);
        if (ids[0] > ids[1]) (ids[0], ids[1]) = (ids[1], ids[0]);
        if (ids[1] > ids[2]) (ids[1], ids[2]) = (ids[2], ids[1]);
        if (ids[0] > ids[1]) (ids[0], ids[1]) = (ids[1], ids[0]);
    }

    // What reverts

    function _unauthorised(address caller) internal pure returns (bytes memory) {
        return abi.encodeWithSignature("AccessManagedUnauthorized(address)", caller);
    }

    function _notAuthorised(
        address account,
        address organisation,
        uint8 scope
    ) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAuthorised.selector,
                account,
                organisation,
                scope
            );
    }

    function _stopped(uint256 until) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_Stopped.selector,
                until
            );
    }
}

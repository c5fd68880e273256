// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Rfc9162} from "../../contracts/libraries/Rfc9162.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice What no test noticed until a mutant of the contracts lived (docs/verification.md).
contract MutantsTest is LedgerFixture {
    uint256 private constant S_MAX =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    bytes32 private constant LEAF = "leaf";

    function includes(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) external view returns (bool) {
        return Rfc9162.includes(root, size, leaf, index, path);
    }

    // Settlement

    function test_settleMany_asksForEverySignature() public {
        bytes32 id = _activate(_terms());
        _deposit(id, company, 100 * EURO);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](1);
        bytes memory signature = _sign(school.key, _voucherDigest(voucher));
        many[0] = IUsageSettlement.Settlement(_terms(), voucher, 100, company.account, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_SignatureInvalid.selector,
                company.id,
                company.account
            )
        );
        settlement.settleMany(many);
    }

    function test_settleMany_saysHowFarBehindAVoucherIs() public {
        bytes32 id = _activate(_terms());
        _deposit(id, company, 100 * EURO);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        _settle(_terms(), voucher, 100);
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](1);
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        many[0] = IUsageSettlement.Settlement(_terms(), voucher, 60, company.account, signature);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.VoucherSkipped(id, company.id, PERIOD, 60, 100);
        settlement.settleMany(many);
    }

    function test_claim_onlyByTheOrganisationItself() public {
        bytes32 id = _activate(_terms());
        _deposit(id, company, 100 * EURO);
        _settle(_terms(), _voucher(id, 100), 100);
        (address signer, ) = _bind(school, "signer", Scopes.ALL & ~Scopes.CLAIM, FOREVER);
        address[3] memory callers = [stranger, company.account, signer];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IUsageSettlement.UsageSettlement_NotAuthorised.selector,
                    callers[i],
                    school.id
                )
            );
            vm.prank(callers[i]);
            settlement.claim(school.id, school.account, 1);
        }
    }

    function test_leave_onlyByTheConsumerItself() public {
        bytes32 id = _activate(_terms());
        _deposit(id, company, 100 * EURO);
        (address signer, ) = _bind(company, "signer", Scopes.ALL & ~Scopes.CLAIM, FOREVER);
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, 1);
        vm.warp(START + 30 days);
        address[3] memory callers = [stranger, school.account, signer];
        for (uint256 i; i < callers.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_NotAuthorised.selector,
                callers[i],
                company.id
            );
            vm.startPrank(callers[i]);
            vm.expectRevert(refusal);
            settlement.leave(id, company.id, company.account);
            vm.expectRevert(refusal);
            settlement.requestLeaving(id, company.id, 1);
            vm.stopPrank();
        }
    }

    // Agreements

    function test_propose_everyPairOfPartiesAscends() public {
        IAgreementRegistry.Terms memory terms = _terms();
        for (uint256 i = 1; i < 3; ++i) {
            terms.parties = _sorted(school.id, company.id, operator.id);
            (terms.parties[i - 1], terms.parties[i]) = (terms.parties[i], terms.parties[i - 1]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAgreementRegistry.AgreementRegistry_PartiesNotAscending.selector,
                    i
                )
            );
            _propose(terms);
        }
    }

    function test_propose_anEmptyValidityIsOver() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.validFrom = terms.validUntil;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_ValidityInvalid.selector,
                terms.validFrom,
                terms.validUntil,
                START
            )
        );
        _propose(terms);
    }

    function test_acts_takeTheAgreeScopeAndNoOther() public {
        bytes32 id = _activate(_terms());
        (address other, ) = _bind(school, "other", Scopes.ALL & ~Scopes.AGREE, FOREVER);
        (address agreeing, ) = _bind(school, "agreeing", Scopes.AGREE, FOREVER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotAuthorised.selector,
                other,
                school.id
            )
        );
        vm.prank(other);
        agreements.suspend(id, school.id, 0);
        vm.prank(agreeing);
        agreements.suspend(id, school.id, 0);
    }

    // Participants

    function test_retireAccount_takesTheManageScopeAndNoOther() public {
        (address target, ) = _bind(school, "target", Scopes.ANCHOR, FOREVER);
        (address other, ) = _bind(school, "other", Scopes.ALL & ~Scopes.MANAGE, FOREVER);
        (address manager_, ) = _bind(school, "manager", Scopes.MANAGE, FOREVER);
        vm.expectRevert(_notAuthorised(other, school.id, Scopes.MANAGE));
        vm.prank(other);
        registry.retireAccount(target);
        vm.prank(manager_);
        registry.retireAccount(target);
        assertEq(registry.accountOf(target).retiredAt, START);
    }

    function test_managing_takesTheManageScopeAndNoOther() public {
        (address other, ) = _bind(school, "other", Scopes.ALL & ~Scopes.MANAGE, FOREVER);
        (address manager_, ) = _bind(school, "manager", Scopes.MANAGE, FOREVER);
        (address account, uint256 key) = makeAddrAndKey("new");
        bytes memory signature = _signBinding(school.id, key);
        bytes memory refusal = _notAuthorised(other, school.id, Scopes.MANAGE);
        vm.startPrank(other);
        vm.expectRevert(refusal);
        registry.bindAccount(school.id, account, Scopes.ANCHOR, FOREVER, signature);
        vm.expectRevert(refusal);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.expectRevert(refusal);
        registry.describe(school.id, "https://other.example", 0);
        vm.startPrank(manager_);
        registry.bindAccount(school.id, account, Scopes.ANCHOR, FOREVER, signature);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        registry.describe(school.id, "https://school.example", 0);
        vm.stopPrank();
    }

    /// @notice Governance admits nobody with an account that did not say so itself.
    function test_admit_takesTheAccountsOwnWord() public {
        (address account, ) = makeAddrAndKey("admitted");
        (, uint256 otherKey) = makeAddrAndKey("somebody else");
        bytes memory signature = _signBinding(registry.organisationId("did:web:new"), otherKey);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                account
            )
        );
        vm.prank(address(timelock));
        registry.admit("did:web:new", 1, 1, account, signature);
    }

    function test_bindAccount_saysWhichExpiryPassedWhen() public {
        (address account, uint256 key) = makeAddrAndKey("late");
        bytes memory signature = _signBinding(school.id, key);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_ExpiryPassed.selector,
                START - 1 days,
                START
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, account, Scopes.ANCHOR, uint40(START - 1 days), signature);
    }

    // Consents

    /// @notice The largest s that is no twin still counts, and the one above does not.
    function test_withdrawBySignature_theLimitOfS() public {
        _checkS(S_MAX, true);
        _checkS(S_MAX + 1, false);
    }

    /// @notice A twin, and what recovers to nobody, is the word of no address, not even of the
    /// first ones, whose keys nobody has.
    function test_withdrawBySignature_noWordIsThatOfNoAddress() public {
        for (uint160 number; number < 4; ++number) {
            address holder = address(number);
            _expectRefused(IConsentRegistry.Withdrawal(holder, LEAF, "r", bytes32(S_MAX + 1), 27));
            _expectRefused(IConsentRegistry.Withdrawal(holder, LEAF, "r", "s", 29));
        }
    }

    /// @notice Each scope is a right of its own.
    function test_scopes_areOneBitEach() public pure {
        uint8[5] memory scopes = [
            Scopes.MANAGE,
            Scopes.AGREE,
            Scopes.ANCHOR,
            Scopes.VOUCHER,
            Scopes.CLAIM
        ];
        for (uint8 i; i < scopes.length; ++i) assertEq(scopes[i], 1 << i);
        assertEq(Scopes.ALL, (1 << scopes.length) - 1);
    }

    /// @notice An account in force is asked for its scope alone; whether the period has begun is
    /// the settlement's question.
    function test_signsVoucherFor_anyPeriodWhileInForce() public view {
        assertTrue(registry.signsVoucherFor(school.account, school.id, type(uint40).max));
    }

    /// @notice A signature that recovers to nobody leaves in memory what was hashed before: that
    /// is no signer either.
    function test_withdrawBySignature_nobodyIsNotWhatLiesInMemory() public {
        bytes32 typehash = keccak256("ConsentWithdrawal(bytes32 leaf)");
        address lying = address(uint160(uint256(typehash)));
        _expectRefused(IConsentRegistry.Withdrawal(lying, LEAF, "r", "s", 29));
    }

    /// @notice A batch of one leaf that is a node in truth: what hashes to it is not in the batch.
    function test_includes_nothingBelowASingleLeaf() public view {
        bytes32 hidden = keccak256("hidden");
        bytes32[] memory path = new bytes32[](1);
        path[0] = keccak256("sibling");
        bytes32 root = Rfc9162.nodeHash(path[0], hidden);
        assertTrue(this.includes(root, 2, hidden, 1, path));
        assertFalse(this.includes(root, 1, hidden, 0, path));
    }

    function _checkS(uint256 s, bool counts) private {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), LEAF)
        );
        bytes32 digest = _digest("PTX ConsentRegistry", address(consents), structHash);
        (, bytes32 r, ) = vm.sign(school.key, digest);
        address signer = ecrecover(digest, 27, r, bytes32(s));
        assertNotEq(signer, address(0));
        IConsentRegistry.Withdrawal memory withdrawal = IConsentRegistry.Withdrawal(
            signer,
            LEAF,
            r,
            bytes32(s),
            27
        );
        if (!counts) return _expectRefused(withdrawal);
        consents.withdrawBySignature(withdrawal);
        assertEq(consents.revocations(signer, LEAF), START);
    }

    function _expectRefused(IConsentRegistry.Withdrawal memory withdrawal) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_SignatureInvalid.selector,
                withdrawal.holder,
                withdrawal.leaf
            )
        );
        consents.withdrawBySignature(withdrawal);
    }
}

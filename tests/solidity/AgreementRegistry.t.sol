// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../contracts/interfaces/ICommissionPolicy.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Proposals and supplements. Signatures and what follows: AgreementRegistryLife.t.sol.
contract AgreementRegistryTest is LedgerFixture {
    function test_agreementIdOf_isTheEip712Digest() public view {
        IAgreementRegistry.Terms memory terms = _terms();
        assertEq(agreements.agreementIdOf(terms), _idByHand(terms));
        assertEq(agreements.agreementIdOf(_twoPartyTerms()), _idByHand(_twoPartyTerms()));
        delete terms.lines;
        assertEq(agreements.agreementIdOf(terms), _idByHand(terms));
    }

    function testFuzz_agreementIdOf_isTheEip712Digest(
        IAgreementRegistry.Terms memory terms
    ) public view {
        assertEq(agreements.agreementIdOf(terms), _idByHand(terms));
    }

    function testFuzz_acceptanceDigest_isTheEip712Digest(
        IAgreementRegistry.Terms memory terms,
        address organisation
    ) public view {
        bytes32 termsHash = _termsHash(terms);
        bytes32 digest = agreements.acceptanceDigest(termsHash, organisation);
        assertEq(digest, _acceptanceDigest(termsHash, organisation));
        // One for every party, and none of them is the agreement's id.
        address other = address(uint160(organisation) ^ 1);
        assertNotEq(digest, agreements.acceptanceDigest(termsHash, other));
        assertNotEq(digest, agreements.agreementIdOf(terms));
    }

    function test_propose() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes32 id = agreements.agreementIdOf(terms);
        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementProposed(id, 0, terms);
        assertEq(_propose(terms), id);

        IAgreementRegistry.Agreement memory agreement = agreements.agreementOf(id);
        assertTrue(agreement.state == IAgreementRegistry.State.Proposed);
        assertEq(agreement.partyCount, 3);
        assertEq(agreement.signatureCount, 0);
        assertEq(agreement.validFrom, terms.validFrom);
        assertEq(agreement.validUntil, terms.validUntil);
        assertEq(agreement.changedAt, START);
        assertEq(agreement.suspensionCount, 0);
        assertTrue(agreements.partyOf(id, company.id).isParty);
        assertFalse(agreements.partyOf(id, stranger).isParty);
        assertFalse(agreements.wasActivated(id));
    }

    function test_propose_revert_notAuthorised() public {
        IAgreementRegistry.Terms memory terms = _terms();
        vm.expectRevert(_notAuthorised(company.account, school.id, Scopes.AGREE));
        vm.prank(company.account);
        agreements.propose(school.id, terms);
    }

    function test_propose_revert_byOneWhoIsNoParty() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        bytes32 id = agreements.agreementIdOf(terms);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotParty.selector,
                id,
                operator.id
            )
        );
        vm.prank(operator.account);
        agreements.propose(operator.id, terms);
    }

    function test_propose_revert_twice() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes32 id = _propose(terms);
        _expectRevert(
            terms,
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_AlreadyProposed.selector,
                id
            )
        );
    }

    function test_propose_revert_partyCountInvalid() public {
        IAgreementRegistry.Terms memory terms = _terms();
        uint256[3] memory counts = [uint256(0), 1, 33];
        for (uint256 i; i < counts.length; ++i) {
            terms.parties = new address[](counts[i]);
            _expectRevert(
                terms,
                abi.encodeWithSelector(
                    IAgreementRegistry.AgreementRegistry_PartyCountInvalid.selector,
                    counts[i],
                    2,
                    32
                )
            );
        }
    }

    function test_propose_revert_partiesNotAscending() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes memory reason = abi.encodeWithSelector(
            IAgreementRegistry.AgreementRegistry_PartiesNotAscending.selector,
            2
        );
        (terms.parties[0], terms.parties[1], terms.parties[2]) = (
            terms.parties[0],
            terms.parties[2],
            terms.parties[1]
        );
        _expectRevert(terms, reason);
        terms.parties[2] = terms.parties[1];
        _expectRevert(terms, reason);
    }

    function test_propose_revert_partyNotAdmitted() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.parties = _sorted(school.id, stranger);
        bytes4 selector = IAgreementRegistry.AgreementRegistry_PartyNotAdmitted.selector;
        _expectRevert(terms, abi.encodeWithSelector(selector, stranger));
        vm.prank(address(timelock));
        registry.suspend(company.id);
        _expectRevert(_twoPartyTerms(), abi.encodeWithSelector(selector, company.id));
    }

    function test_propose_32Parties() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.parties = new address[](32);
        terms.parties[0] = school.id;
        for (uint256 i = 1; i < 32; ++i) {
            address id = _admit(string(abi.encodePacked("did:x:", i))).id;
            uint256 place = i;
            for (; place > 0 && terms.parties[place - 1] > id; --place) {
                terms.parties[place] = terms.parties[place - 1];
            }
            terms.parties[place] = id;
        }
        assertEq(agreements.agreementOf(_propose(terms)).partyCount, 32);
    }

    function test_propose_revert_validityInvalid() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes4 selector = IAgreementRegistry.AgreementRegistry_ValidityInvalid.selector;
        terms.validUntil = terms.validFrom;
        _expectRevert(
            terms,
            abi.encodeWithSelector(selector, terms.validFrom, terms.validUntil, START)
        );
        terms.validFrom = 0;
        terms.validUntil = uint64(START);
        _expectRevert(terms, abi.encodeWithSelector(selector, 0, START, START));
    }

    function test_propose_revert_payeeNotParty() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.lines[1].payee = stranger;
        _expectRevert(
            terms,
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_PayeeNotParty.selector,
                1,
                stranger
            )
        );
    }

    function test_propose_revert_categoryWithoutRate() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.lines[1].category = 9;
        _expectRevert(
            terms,
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_UnknownCategory.selector,
                9,
                PERIOD
            )
        );
    }

    function test_propose_atMost32Lines() public {
        IAgreementRegistry.Terms memory terms = _terms();
        IAgreementRegistry.PriceLine memory line = terms.lines[0];
        terms.lines = new IAgreementRegistry.PriceLine[](33);
        for (uint256 i; i < 33; ++i) terms.lines[i] = line;
        _expectRevert(
            terms,
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_TooManyLines.selector,
                33,
                32
            )
        );
        terms.lines = new IAgreementRegistry.PriceLine[](32);
        for (uint256 i; i < 32; ++i) terms.lines[i] = line;
        _propose(terms);
    }

    // Supplements

    function test_supplement() public {
        bytes32 parent = _activate(_twoPartyTerms());
        vm.prank(school.account);
        agreements.terminate(parent, school.id, ""); // it was active once
        IAgreementRegistry.Terms memory terms = _terms();
        terms.parent = parent;
        vm.expectEmit(true, true, false, false, address(agreements));
        emit IAgreementRegistry.AgreementProposed(agreements.agreementIdOf(terms), parent, terms);
        _propose(terms);
    }

    function test_supplement_revert() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes32 proposed = _propose(_twoPartyTerms());
        bytes32 ofAll = _activate(_terms());
        // Unknown, never active, and with a party that the supplement lacks.
        terms.parent = "unknown";
        _expectRevert(terms, _parentInvalid("unknown"));
        terms.parent = proposed;
        _expectRevert(terms, _parentInvalid(proposed));
        terms = _twoPartyTerms();
        terms.parent = ofAll;
        _expectRevert(terms, _parentInvalid(ofAll));
    }

    // Parts

    function _expectRevert(IAgreementRegistry.Terms memory terms, bytes memory reason) private {
        vm.expectRevert(reason);
        _propose(terms);
    }

    function _parentInvalid(bytes32 parent) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_ParentInvalid.selector,
                parent
            );
    }

    function _idByHand(IAgreementRegistry.Terms memory terms) private view returns (bytes32) {
        return _agreementDigest(_termsHash(terms));
    }
}

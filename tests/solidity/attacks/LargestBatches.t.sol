// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice The largest arrays that the contracts take, or that the node sends, fit in one block of
/// 30,000,000 gas, so that no agreement, batch or voucher is too large ever to be carried out. Even
/// below 16,777,216, the most that one transaction may take where EIP-7825 holds.
contract LargestBatchesTest is AttackFixture {
    uint256 private constant TRANSACTION_GAS = 16_777_216;
    Organisation[] private crowd;

    function test_attack_10000Leaves_fitInABlock() public {
        _anchor(school, _leaves(10_000, "batch"));
        _expectFits("10,000 leaves");
    }

    function test_attack_200Withdrawals_fitInABlock() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](200);
        for (uint256 i; i < 200; ++i) many[i] = _withdrawal(i + 1, keccak256(abi.encode(i)));
        consents.withdrawManyBySignature(many);
        _expectFits("200 withdrawals");
        assertEq(consents.revocations(vm.addr(200), keccak256(abi.encode(199))), START);
    }

    function test_attack_50Settlements_fitInABlock() public {
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](50);
        for (uint256 i; i < 50; ++i) {
            IAgreementRegistry.Terms memory terms = _agreed();
            terms.salt = bytes32(i);
            many[i] = _settlement(terms, company);
        }
        settlement.settleMany(many);
        _expectFits("50 settlements of 2 lines");
        assertEq(settlement.settledUnitsOf(many[49].voucher.agreementId, company.id, PERIOD), 1);
    }

    function test_attack_agreementOf32PartiesAnd32Lines_fitsInABlock() public {
        IAgreementRegistry.Terms memory terms = _largestTerms();
        bytes32 largest = _proposeBy(crowd[0].account, crowd[0].id, terms);
        _expectFits("proposal of 32 parties and 32 lines");
        for (uint256 i; i < 32; ++i) _signAgreement(largest, crowd[i]);
        _expectFits("the last of 32 signatures");
        assertTrue(agreements.isActiveFor(largest, crowd[31].id));

        // A supplement asks for every party of the parent.
        terms.parent = largest;
        vm.prank(crowd[0].account);
        agreements.propose(crowd[0].id, terms);
        _expectFits("supplement of 32 parties and 32 lines");

        terms.parent = 0;
        IUsageSettlement.Settlement memory one = _settlementOf(terms, largest, crowd[31]);
        settlement.settle(terms, one.voucher, 1, one.signer, one.signature);
        _expectFits("settlement of 32 parties and 32 lines");
        assertEq(settlement.settledUnitsOf(largest, crowd[31].id, PERIOD), 1);
    }

    /// @notice Thirty-one payees, each with a balance of its own, fifty agreements at once. Held to
    /// the block alone: bytecode that is not optimised, as coverage measures it, takes more than a
    /// transaction may.
    function test_attack_50SettlementsOf32PartiesAnd32Lines_fitInABlock() public {
        IAgreementRegistry.Terms memory terms = _largestTerms();
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](50);
        for (uint256 i; i < 50; ++i) {
            terms.salt = bytes32(i);
            bytes32 agreementId = _proposeBy(crowd[0].account, crowd[0].id, terms);
            for (uint256 j; j < 32; ++j) _signAgreement(agreementId, crowd[j]);
            many[i] = _settlementOf(terms, agreementId, crowd[31]);
            many[i].terms = abi.decode(abi.encode(terms), (IAgreementRegistry.Terms));
        }
        settlement.settleMany(many);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("50 settlements of 32 parties and 32 lines", gas);
        assertLe(gas, BLOCK_GAS);
    }

    // Parts

    function _expectFits(string memory what) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, gas);
        assertLe(gas, TRANSACTION_GAS, what);
        assertLe(gas, BLOCK_GAS, what);
    }

    /// @dev Thirty-two organisations, all but the last paid by a line, the first by two.
    function _largestTerms() private returns (IAgreementRegistry.Terms memory terms) {
        terms = _twoPartyTerms();
        terms.parties = new address[](32);
        terms.lines = new IAgreementRegistry.PriceLine[](32);
        for (uint256 i; i < 32; ++i) {
            crowd.push(_admit(string(abi.encodePacked("did:x:", i))));
            for (uint256 j = i; j > 0 && crowd[j - 1].id > crowd[j].id; --j) {
                Organisation memory higher = crowd[j - 1];
                crowd[j - 1] = crowd[j];
                crowd[j] = higher;
            }
        }
        for (uint256 i; i < 32; ++i) {
            terms.parties[i] = crowd[i].id;
            uint16 category = i % 2 == 0 ? CATALOGUE : CONSENT;
            terms.lines[i] = IAgreementRegistry.PriceLine(crowd[i % 31].id, category, 10_001, 0);
        }
    }

    function _settlement(
        IAgreementRegistry.Terms memory terms,
        Organisation memory consumer
    ) private returns (IUsageSettlement.Settlement memory) {
        return _settlementOf(terms, _activate(terms), consumer);
    }

    /// @dev One unit, by a consumer with a deposit.
    function _settlementOf(
        IAgreementRegistry.Terms memory terms,
        bytes32 agreementId,
        Organisation memory consumer
    ) private returns (IUsageSettlement.Settlement memory) {
        _deposit(agreementId, consumer, EURO);
        IUsageSettlement.Voucher memory voucher = _voucher(agreementId, 1);
        voucher.consumer = consumer.id;
        return
            IUsageSettlement.Settlement(
                terms,
                voucher,
                1,
                consumer.account,
                _sign(consumer.key, _voucherDigest(voucher))
            );
    }
}

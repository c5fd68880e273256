// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Commissions} from "../../../contracts/libraries/Commissions.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Splitting a price over lines, or a month over settlements, so that the commission is
/// rounded away.
contract RoundingAttacksTest is AttackFixture {
    /// @notice Every amount from 1 to 10,000 base units, on 2 to 32 lines: what n lines give less
    /// than one is below n base units, that is below 0.000032 euro in a period.
    function test_attack_roundingOverManyLines_costsLessThanABaseUnitEach() public pure {
        uint16[2] memory rates = [CONSENT_BPS, CATALOGUE_BPS];
        for (uint256 i; i < rates.length; ++i) {
            for (uint256 gross = 1; gross <= 10_000; ++gross) {
                uint256 ofOne = Commissions.commissionRoundedDown(gross, rates[i]);
                for (uint256 lines = 2; lines <= 32; lines += 5) {
                    uint256 exact = Commissions.commissionRoundedDown(gross * lines, rates[i]);
                    assert(exact - ofOne * lines < lines);
                }
            }
        }
    }

    /// @notice The same, with the contract: any number of lines, any prices of 1 to 10,000.
    function testFuzz_attack_roundingOverManyLines_staysWithThePayees(
        uint256 lines,
        uint256 seed,
        uint64 units
    ) public {
        lines = bound(lines, 2, 32);
        units = uint64(bound(units, 1, 3_000));
        IAgreementRegistry.Terms memory terms = _termsOf(lines, seed);
        bytes32 other = _activate(terms);
        _deposit(other, company, DEPOSIT);
        uint256 gross;
        uint256 commission;
        for (uint256 i; i < lines; ++i) {
            uint256 ofLine = uint256(terms.lines[i].unitPrice) * units;
            gross += ofLine;
            commission += (ofLine * CATALOGUE_BPS) / 10_000;
        }
        _settle(terms, _voucher(other, units), units);
        assertEq(settlement.depositOf(other, company.id), DEPOSIT - gross);
        assertEq(settlement.commissionOwed(), commission);
        assertEq(settlement.balanceOf(school.id), gross - commission);
        assertLt((gross * CATALOGUE_BPS) / 10_000 - commission, lines);
    }

    /// @notice A thousand settlements of one unit give the cents of one settlement of a thousand.
    function test_attack_roundingOver1000Settlements_givesTheSameCents() public {
        IAgreementRegistry.Terms memory terms = _agreed();
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1_000);
        bytes memory signature = _signed(voucher);
        uint256 before = vm.snapshotState();
        settlement.settle(terms, voucher, 1_000, company.account, signature);
        bytes memory atOnce = _money();
        vm.revertToState(before);
        for (uint64 upTo = 1; upTo <= 1_000; ++upTo) {
            settlement.settle(terms, voucher, upTo, company.account, signature);
        }
        assertEq(_money(), atOnce);
    }

    /// @notice However many settlements, from 1 to 1,000, of whatever sizes.
    function testFuzz_attack_roundingOverAnySettlements_givesTheSameCents(
        uint64 step,
        uint64 units
    ) public {
        units = uint64(bound(units, 1, 1_000));
        step = uint64(bound(step, 1 + units / 20, units));
        IUsageSettlement.Voucher memory voucher = _voucher(id, units);
        bytes memory signature = _signed(voucher);
        uint256 before = vm.snapshotState();
        settlement.settle(_agreed(), voucher, units, company.account, signature);
        bytes memory atOnce = _money();
        vm.revertToState(before);
        for (uint64 upTo = step; upTo < units; upTo += step) {
            settlement.settle(_agreed(), voucher, upTo, company.account, signature);
        }
        settlement.settle(_agreed(), voucher, units, company.account, signature);
        assertEq(_money(), atOnce);
    }

    function _termsOf(
        uint256 lines,
        uint256 seed
    ) private view returns (IAgreementRegistry.Terms memory terms) {
        terms = _twoPartyTerms();
        terms.lines = new IAgreementRegistry.PriceLine[](lines);
        for (uint256 i; i < lines; ++i) {
            uint64 price = uint64(uint256(keccak256(abi.encode(seed, i))) % 10_000) + 1;
            terms.lines[i] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, price, 0);
        }
    }
}

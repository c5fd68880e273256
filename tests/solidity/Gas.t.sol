// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IMerkleLog} from "../../contracts/interfaces/IMerkleLog.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @notice Gas of whole transactions with cold storage and all checks, written to `snapshots/` and
/// held below ceilings a little above what was measured when they were set: a dearer act is seen
/// here. The targets stand beside the figures in docs/performance.md.
contract GasTest is LedgerFixture {
    bytes32 internal agreementId;

    function setUp() public override {
        super.setUp();
        agreementId = _activate(_terms());
        // The log is never empty in real life.
        _anchor(1, "first");
    }

    // Consents

    function test_anchor_1() public {
        _anchor(1, "one");
        _record("anchor", "1", 1, 64_000);
    }

    function test_anchor_1_byOperator() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        bytes32[] memory leaves = _leaves(1, "one");
        vm.prank(operator.account);
        consents.anchor(school.id, leaves);
        _record("anchor", "1 by an operator", 1, 69_000);
    }

    function test_anchor_8() public {
        _anchor(8, "eight");
        _record("anchor", "8", 1, 72_500);
    }

    function test_anchor_100() public {
        _anchor(100, "hundred");
        _record("anchor", "100, each", 100, 1_760);
    }

    function test_anchor_1000() public {
        _anchor(1_000, "thousand");
        _record("anchor", "1000, each", 1_000, 1_180);
    }

    function test_anchor_10000() public {
        _anchor(10_000, "many");
        _record("anchor", "10000, each", 10_000, 1_140);
    }

    function test_isActive_8() public {
        _callIsActive(8, 5);
        _record("isActive", "of 8", 1, 53_000);
    }

    function test_isActive_10000() public {
        _callIsActive(10_000, 1_234);
        _record("isActive", "of 10000", 1, 75_000);
    }

    function test_withdraw() public {
        vm.prank(stranger);
        consents.withdraw(keccak256("leaf"));
        _record("withdraw", "own transaction", 1, 46_500);
    }

    function test_withdraw_bySignature() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(0);
        consents.withdrawBySignature(withdrawal);
        _record("withdraw", "by signature", 1, 51_500);
    }

    function test_withdraw_100BySignature() public {
        IConsentRegistry.Withdrawal[] memory withdrawals = new IConsentRegistry.Withdrawal[](100);
        for (uint256 i; i < 100; ++i) withdrawals[i] = _withdrawal(i);
        consents.withdrawManyBySignature(withdrawals);
        _record("withdraw", "100 by signature, each", 100, 30_000);
    }

    function test_revoke() public {
        vm.prank(school.account);
        consents.revoke(school.id, keccak256("leaf"));
        _record("revoke", "by issuer", 1, 55_000);
    }

    // Agreements

    function test_agreement_ofTwoParties() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        bytes32 id = _propose(terms);
        _record("agreement", "propose, 2 parties, 1 line", 1, 160_000);
        _signAgreement(id, school);
        _record("agreement", "sign", 1, 60_000);
        _signAgreement(id, company);
        _record("agreement", "activate, 2 parties", 1, 130_000);
    }

    // Money

    function test_deposit() public {
        _fund(company.account, 10 * EURO);
        vm.startPrank(company.account);
        token.approve(address(settlement), 10 * EURO);
        settlement.deposit(agreementId, company.id, 10 * EURO);
        _record("settlement", "deposit", 1, 125_000);
    }

    /// @dev What two lines for two payees cost at least: docs/performance.md, by
    /// node/bench/floors.py.
    function test_settle() public {
        _deposit(agreementId, company, 1_000_000 * EURO);
        _settle(_terms(), _voucher(agreementId, 1_000), 1_000);
        _record("settlement", "settle 2 lines, first ever", 1, 172_000);
        vm.warp(START + 31 days);
        IUsageSettlement.Voucher memory voucher = _voucher(agreementId, 1_000);
        voucher.period = PERIOD + 1;
        _settle(_terms(), voucher, 1_000);
        _record("settlement", "settle 2 lines, first in a period", 1, 120_000);
        voucher.units = 2_000;
        _settle(_terms(), voucher, 2_000);
        _record("settlement", "settle 2 lines, next", 1, 105_000);
    }

    function test_settle_50() public {
        IUsageSettlement.Settlement[] memory settlements = new IUsageSettlement.Settlement[](50);
        for (uint256 i; i < 50; ++i) {
            IAgreementRegistry.Terms memory terms = _terms();
            terms.salt = bytes32(i);
            bytes32 id = _activate(terms);
            _deposit(id, company, 10_000 * EURO);
            _settle(terms, _voucher(id, 1_000), 1_000);
            IUsageSettlement.Voucher memory voucher = _voucher(id, 2_000);
            settlements[i] = IUsageSettlement.Settlement(
                terms,
                voucher,
                2_000,
                company.account,
                _sign(company.key, _voucherDigest(voucher))
            );
        }
        settlement.settleMany(settlements);
        _record("settlement", "settle 2 lines, 50 in a batch, each", 50, 55_000);
    }

    function test_claim() public {
        _deposit(agreementId, company, 1_000 * EURO);
        _settle(_terms(), _voucher(agreementId, 1_000), 1_000);
        vm.prank(school.account);
        settlement.claim(school.id, school.account, 1);
        _record("settlement", "claim", 1, 90_000);
        settlement.payOutCommission();
        _record("settlement", "payOutCommission", 1, 80_000);
    }

    // Parts

    /// @dev Writes what the last call cost, for one of `count`, and holds it below the ceiling.
    function _record(
        string memory act,
        string memory name,
        uint256 count,
        uint256 ceiling
    ) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        uint256 each = (gas + count - 1) / count;
        vm.snapshotValue(act, name, each);
        assertLe(each, ceiling, name);
    }

    function _leaves(
        uint256 count,
        string memory name
    ) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) leaves[i] = keccak256(abi.encode(name, i));
    }

    function _anchor(uint256 count, string memory name) private {
        bytes32[] memory leaves = _leaves(count, name);
        vm.prank(school.account);
        consents.anchor(school.id, leaves);
    }

    function _callIsActive(uint256 size, uint256 index) private {
        bytes memory entry = abi.encodePacked(
            hex"0101",
            agreementId,
            school.id,
            makeAddr("holder"),
            uint64(START),
            uint64(START + 1 days),
            bytes1(0x02),
            keccak256("commitment")
        );
        bytes32[] memory leaves = _leaves(size, "batch");
        leaves[index] = sha256(abi.encodePacked(hex"00", entry));
        vm.prank(school.account);
        bytes32 root = consents.anchor(school.id, leaves);
        bytes32[] memory path = MerkleTree.pathOf(leaves, index);
        // A view costs like a transaction only when it is sent as one.
        (, bytes memory answer) = address(consents).call(
            abi.encodeCall(consents.isActive, (entry, IMerkleLog.InclusionProof(root, index, path)))
        );
        assertTrue(abi.decode(answer, (bool)));
    }

    function _withdrawal(uint256 i) private returns (IConsentRegistry.Withdrawal memory) {
        (address holder, uint256 key) = makeAddrAndKey(string(abi.encode("holder", i)));
        bytes32 leaf = keccak256(abi.encode("leaf", i));
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), leaf)
        );
        bytes32 digest = _digest("PTX ConsentRegistry", address(consents), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return IConsentRegistry.Withdrawal(holder, leaf, r, s, v);
    }
}

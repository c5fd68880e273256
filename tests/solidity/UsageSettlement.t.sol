// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {ContractWallet} from "./ContractWallet.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Vouchers, drawn in UsageSettlement.tree. Which months they may name is in
/// UsagePeriods.t.sol; deposits, claims and leaving are in UsageDeposits.t.sol.
contract UsageSettlementTest is LedgerFixture {
    uint256 private constant DEPOSIT = 1_000 * EURO;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = _activate(_terms());
        _deposit(id, company, DEPOSIT);
    }

    function test_voucherDigest_isTheEip712Digest() public view {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 7);
        assertEq(settlement.voucherDigest(voucher), _voucherDigest(voucher));
    }

    function test_settle_splitsBetweenPayeesAndTheAssociation() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        // School: 90 units at 10,001 and 5 %; operator: 100 units at 3,333 and 2.5 %.
        IUsageSettlement.LineAmount[] memory amounts = new IUsageSettlement.LineAmount[](2);
        amounts[0] = IUsageSettlement.LineAmount(900_090, 45_004);
        amounts[1] = IUsageSettlement.LineAmount(333_300, 8_332);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.UsageSettled(
            id,
            company.id,
            PERIOD,
            0,
            100,
            voucher.usageRoot,
            amounts
        );
        vm.startPrank(stranger); // anyone may submit
        _settle(_terms(), voucher, 100);

        assertEq(settlement.balanceOf(school.id), 900_090 - 45_004);
        assertEq(settlement.balanceOf(operator.id), 333_300 - 8_332);
        assertEq(settlement.commissionOwed(), 45_004 + 8_332);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - 900_090 - 333_300);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 100);
    }

    /// @notice Many small settlements give the same cents as one.
    function testFuzz_settle_inPartsLikeAtOnce(uint64 first, uint64 second) public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1_000);
        first = uint64(bound(first, 1, 998));
        second = uint64(bound(second, first + 1, 999));
        uint256 before = vm.snapshotState();
        _settle(_terms(), voucher, 1_000);
        uint256[4] memory atOnce = _money();
        vm.revertToState(before);
        _settle(_terms(), voucher, first);
        _settle(_terms(), _voucher(id, second), second);
        _settle(_terms(), voucher, 1_000);
        assertEq(abi.encode(_money()), abi.encode(atOnce));
    }

    function test_settle_upTo_leavesTheRestClaimable() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        _settle(_terms(), voucher, 40);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 40);
        _settle(_terms(), voucher, 100);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 100);
    }

    function test_settle_vouchersOfAContractWallet() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        address wallet = address(new ContractWallet(owner));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("AccountBinding(address organisation,address account)"),
                company.id,
                wallet
            )
        );
        bytes32 digest = _digest("PTX ParticipantRegistry", address(registry), structHash);
        bytes memory binding = _sign(key, digest);
        vm.prank(company.account);
        registry.bindAccount(company.id, wallet, Scopes.VOUCHER, FOREVER, binding);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes memory signature = _sign(key, _voucherDigest(voucher));
        settlement.settle(_terms(), voucher, 1, wallet, signature);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 1);
    }

    // Refusals

    function test_settle_revert_notNewer() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        _settle(_terms(), voucher, 100);
        _expectRevert(
            voucher,
            100,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_VoucherNotNewer.selector,
                100,
                100
            )
        );
        _expectRevert(
            _voucher(id, 0),
            0,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_VoucherNotNewer.selector,
                0,
                100
            )
        );
    }

    function test_settle_revert_upToAboveVoucher() public {
        _expectRevert(
            _voucher(id, 100),
            101,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_UpToAboveVoucher.selector,
                101,
                100
            )
        );
    }

    function test_settle_revert_agreementMismatch() public {
        IAgreementRegistry.Terms memory cheaper = _terms();
        cheaper.lines[0].unitPrice = 1;
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AgreementMismatch.selector,
                id,
                agreements.agreementIdOf(cheaper)
            )
        );
        settlement.settle(cheaper, voucher, 100, company.account, signature);
    }

    function test_settle_revert_neverActive() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.salt = "other";
        bytes32 other = _propose(terms);
        IUsageSettlement.Voucher memory voucher = _voucher(other, 1);
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        bytes memory reason = abi.encodeWithSelector(
            IUsageSettlement.UsageSettlement_AgreementNeverActive.selector,
            other
        );
        vm.expectRevert(reason);
        settlement.settle(terms, voucher, 1, company.account, signature);
        vm.prank(school.account);
        agreements.terminate(other, school.id, "");
        vm.expectRevert(reason);
        settlement.settle(terms, voucher, 1, company.account, signature);
    }

    function test_settle_revert_consumerNoParty() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        voucher.consumer = stranger;
        _expectRevert(
            voucher,
            1,
            abi.encodeWithSelector(IUsageSettlement.UsageSettlement_NotParty.selector, id, stranger)
        );
    }

    function test_settle_revert_consumerIsPayee() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        voucher.consumer = operator.id;
        _expectRevert(
            voucher,
            1,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_ConsumerIsPayee.selector,
                operator.id
            )
        );
    }

    function test_settle_revert_signatureInvalid() public {
        IAgreementRegistry.Terms memory terms = _terms();
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes memory good = _sign(company.key, _voucherDigest(voucher));
        bytes memory ofOther = _sign(school.key, _voucherDigest(voucher));
        (address clerk, uint256 key) = _bind(company, "clerk", Scopes.CLAIM, FOREVER);
        bytes memory ofClerk = _sign(key, _voucherDigest(voucher));

        _expectSignatureInvalid(company.account);
        settlement.settle(terms, voucher, 1, company.account, ofOther);
        _expectSignatureInvalid(company.account);
        settlement.settle(terms, voucher, 1, company.account, _malleate(good));
        _expectSignatureInvalid(school.account); // signs, but not for the company
        settlement.settle(terms, voucher, 1, school.account, ofOther);
        _expectSignatureInvalid(clerk); // for the company, but not vouchers
        settlement.settle(terms, voucher, 1, clerk, ofClerk);
    }

    function test_settle_revert_depositTooSmall() public {
        uint64 units = 1_000_000;
        uint256 needed = (uint256(units) - 10) * 10_001 + uint256(units) * 3_333;
        _expectRevert(
            _voucher(id, units),
            units,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_DepositTooSmall.selector,
                DEPOSIT,
                needed
            )
        );
    }

    function test_settle_depositsAreNeverShared() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.salt = "other";
        bytes32 other = _activate(terms);
        IUsageSettlement.Voucher memory voucher = _voucher(other, 1);
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_DepositTooSmall.selector,
                0,
                3_333
            )
        );
        settlement.settle(terms, voucher, 1, company.account, signature);
    }

    // Batches

    function test_settleMany_anOldVoucherIsSkipped() public {
        _settle(_terms(), _voucher(id, 100), 100);
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](2);
        many[0] = _settlement(_voucher(id, 100), 100);
        many[1] = _settlement(_voucher(id, 200), 150);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.VoucherSkipped(id, company.id, PERIOD, 100, 100);
        settlement.settleMany(many);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 150);
    }

    function test_settleMany_anyOtherFaultRevertsTheWhole() public {
        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](2);
        many[0] = _settlement(_voucher(id, 100), 100);
        many[1] = _settlement(_voucher(id, 200), 201);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_UpToAboveVoucher.selector,
                201,
                200
            )
        );
        settlement.settleMany(many);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 0);
    }

    // Parts

    function _settlement(
        IUsageSettlement.Voucher memory voucher,
        uint64 upTo
    ) private view returns (IUsageSettlement.Settlement memory) {
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        return IUsageSettlement.Settlement(_terms(), voucher, upTo, company.account, signature);
    }

    function _money() private view returns (uint256[4] memory) {
        return
            [
                settlement.balanceOf(school.id),
                settlement.balanceOf(operator.id),
                settlement.commissionOwed(),
                settlement.depositOf(id, company.id)
            ];
    }

    function _expectRevert(
        IUsageSettlement.Voucher memory voucher,
        uint64 upTo,
        bytes memory reason
    ) private {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.expectRevert(reason);
        settlement.settle(terms, voucher, upTo, company.account, signature);
    }

    function _expectSignatureInvalid(address signer) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_SignatureInvalid.selector,
                company.id,
                signer
            )
        );
    }
}

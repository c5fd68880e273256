// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";
import {HostileWallet} from "./HostileWallet.sol";

/// @notice Contract wallets (ERC-1271) that turn on whoever asks them, and reentrancy.
contract WalletAttacksTest is AttackFixture {
    HostileWallet private wallet;
    uint256 private ownerKey;

    function setUp() public override {
        super.setUp();
        address owner;
        (owner, ownerKey) = makeAddrAndKey("owner");
        wallet = new HostileWallet(owner);
        _bindWallet(company, address(wallet), ownerKey, Scopes.ALL);
    }

    // One owner, two wallets

    function test_attack_voucherOfOneWalletShownForItsOwnersOther_isRefused() public {
        HostileWallet second = new HostileWallet(vm.addr(ownerKey));
        _bindWallet(school, address(second), ownerKey, Scopes.ALL);
        (IUsageSettlement.Voucher memory voucher, bytes memory signature) = _ownersVoucher(100);
        vm.expectRevert(_voucherSignatureInvalid(address(second)));
        settlement.settle(_agreed(), voucher, 100, address(second), signature);
        // A second wallet of the same organisation says the same, and nothing is paid twice.
        HostileWallet third = new HostileWallet(vm.addr(ownerKey));
        _bindWallet(company, address(third), ownerKey, Scopes.ALL);
        settlement.settle(_agreed(), voucher, 100, address(wallet), signature);
        bytes memory before = _money();
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_VoucherNotNewer.selector,
                100,
                100
            )
        );
        settlement.settle(_agreed(), voucher, 100, address(third), signature);
        assertEq(_money(), before);
    }

    function test_attack_bindingOfOneWalletShownForItsOwnersOther_isRefused() public {
        HostileWallet second = new HostileWallet(vm.addr(ownerKey));
        bytes memory ofFirst = _sign(ownerKey, _bindingDigest(company.id, address(wallet)));
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                address(second)
            )
        );
        vm.prank(company.account);
        registry.bindAccount(company.id, address(second), Scopes.ALL, FOREVER, ofFirst);
    }

    /// @notice One owner, with a wallet of each party: what the owner takes for one of them is not
    /// taken for the other.
    function test_attack_signatureOfOneOwnersTwoWallets_countsForOnePartyAlone() public {
        HostileWallet second = new HostileWallet(vm.addr(ownerKey));
        _bindWallet(school, address(second), ownerKey, Scopes.ALL);
        bytes32 proposed = _propose(_twoPartyTerms());
        bytes32 termsHash = termsHashOf[proposed];
        bytes memory signature = _signAcceptance(proposed, company.id, ownerKey);
        agreements.sign(termsHash, company.id, address(wallet), signature);
        vm.expectRevert(_agreementSignatureInvalid(proposed, address(second)));
        vm.prank(stranger);
        agreements.sign(termsHash, school.id, address(second), signature);
        assertEq(agreements.partyOf(proposed, school.id).signedAt, 0);

        signature = _signAcceptance(proposed, school.id, ownerKey);
        agreements.sign(termsHash, school.id, address(second), signature);
        assertTrue(agreements.wasActivated(proposed));
    }

    // An answer that flips

    /// @notice A wallet that denies what it signed keeps what is settled settled, and gets nothing
    /// back; what it has not let settle stays unsettled, so a payee settles a wallet's vouchers
    /// as they come.
    function test_attack_answerThatFlips_undoesNothing() public {
        (IUsageSettlement.Voucher memory voucher, bytes memory signature) = _ownersVoucher(100);
        settlement.settle(_agreed(), voucher, 60, address(wallet), signature);
        bytes memory before = _money();
        HostileWallet.Attack[2] memory turns = [
            HostileWallet.Attack.SayNo,
            HostileWallet.Attack.AnswerShort
        ];
        for (uint256 i; i < turns.length; ++i) {
            wallet.attack(turns[i], address(0), "");
            vm.expectRevert(_voucherSignatureInvalid(address(wallet)));
            settlement.settle(_agreed(), voucher, 100, address(wallet), signature);
        }
        assertEq(_money(), before);
        wallet.attack(HostileWallet.Attack.None, address(0), "");
        settlement.settle(_agreed(), voucher, 100, address(wallet), signature);
    }

    // An answer that burns

    /// @notice Whoever submits it loses the gas that he gave, and no more happens; a batch without
    /// the wallet's voucher goes through.
    function test_attack_answerThatBurnsAllGas_onlyCostsTheSubmitter() public {
        (IUsageSettlement.Voucher memory voucher, bytes memory signature) = _ownersVoucher(100);
        bytes memory before = _money();
        wallet.attack(HostileWallet.Attack.BurnAllGas, address(0), "");
        vm.expectRevert(_voucherSignatureInvalid(address(wallet)));
        settlement.settle{gas: 5_000_000}(_agreed(), voucher, 100, address(wallet), signature);
        wallet.attack(HostileWallet.Attack.FloodTheAnswer, address(0), "");
        vm.expectRevert(_voucherSignatureInvalid(address(wallet)));
        settlement.settle{gas: 10_000_000}(_agreed(), voucher, 100, address(wallet), signature);

        IUsageSettlement.Settlement[] memory many = new IUsageSettlement.Settlement[](2);
        IUsageSettlement.Voucher memory good = _voucher(id, 50);
        many[0] = IUsageSettlement.Settlement(_agreed(), good, 50, company.account, _signed(good));
        many[1] = IUsageSettlement.Settlement(_agreed(), voucher, 100, address(wallet), signature);
        vm.expectRevert(_voucherSignatureInvalid(address(wallet)));
        settlement.settleMany{gas: 5_000_000}(many);
        assertEq(_money(), before);
        assembly ("memory-safe") {
            mstore(many, 1)
        }
        settlement.settleMany(many);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 50);
    }

    // Reentrancy

    /// @notice The wallet is asked by a static call, in which nobody can write.
    function test_attack_reentrancyThroughErc1271_settlesOnce() public {
        (IUsageSettlement.Voucher memory voucher, bytes memory signature) = _ownersVoucher(100);
        uint256 before = vm.snapshotState();
        settlement.settle(_agreed(), voucher, 100, address(wallet), signature);
        bytes memory once = _money();
        IUsageSettlement.Voucher memory good = _voucher(id, 100);
        bytes[3] memory calls = [
            abi.encodeCall(
                settlement.settle,
                (_agreed(), good, 100, company.account, _signed(good))
            ),
            abi.encodeCall(settlement.requestLeaving, (id, company.id, 1)),
            abi.encodeCall(settlement.claim, (company.id, address(wallet), 1))
        ];
        for (uint256 i; i < calls.length; ++i) {
            vm.revertToState(before);
            wallet.attack(HostileWallet.Attack.Reenter, address(settlement), calls[i]);
            settlement.settle{gas: 5_000_000}(_agreed(), voucher, 100, address(wallet), signature);
            assertEq(_money(), once);
            assertEq(settlement.leavingOf(id, company.id).executableAt, 0);
        }
    }

    /// @notice The token calls nobody, so a payment is no way in; and each payment is booked before
    /// it is made.
    function test_attack_reentrancyThroughTheToken_isNeverCalled() public {
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, 10);
        vm.warp(START + 30 days);
        bytes memory again = abi.encodeCall(settlement.leave, (id, company.id, address(wallet)));
        wallet.attack(HostileWallet.Attack.Reenter, address(settlement), again);
        vm.prank(company.account);
        settlement.leave(id, company.id, address(wallet));
        assertEq(token.balanceOf(address(wallet)), 10);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - 10);
        assertEq(wallet.calls(), 0);
    }

    // Parts

    function _ownersVoucher(
        uint64 units
    ) private view returns (IUsageSettlement.Voucher memory voucher, bytes memory signature) {
        voucher = _voucher(id, units);
        signature = _sign(ownerKey, _voucherDigest(voucher));
    }
}

// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {LedgerFixture} from "../LedgerFixture.sol";

/// @notice What an attacker finds: an active agreement of all three organisations, a deposit under
/// it, and a holder of consents. The page of all attacks is docs/attacks.md.
abstract contract AttackFixture is LedgerFixture {
    uint256 internal constant DEPOSIT = 1_000 * EURO;
    /// @notice The block that a batch must fit in, a common limit of public chains.
    uint256 internal constant BLOCK_GAS = 30_000_000;

    bytes32 internal id;
    address internal holder;
    uint256 internal holderKey;
    bytes private _encodedTerms;

    function setUp() public virtual override {
        super.setUp();
        _encodedTerms = abi.encode(_terms());
        (holder, holderKey) = makeAddrAndKey("holder");
        id = _activate(_terms());
        _deposit(id, company, DEPOSIT);
    }

    /// @notice The terms of `id`, without the calls to SHA-256 that `_terms` makes, which an
    /// expected revert would take for the attack.
    function _agreed() internal view returns (IAgreementRegistry.Terms memory) {
        return abi.decode(_encodedTerms, (IAgreementRegistry.Terms));
    }

    // Consents

    function _withdrawal(
        uint256 key,
        bytes32 leaf
    ) internal view returns (IConsentRegistry.Withdrawal memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _withdrawalDigest(leaf));
        return IConsentRegistry.Withdrawal(vm.addr(key), leaf, r, s, v);
    }

    function _withdrawalDigest(bytes32 leaf) internal view returns (bytes32) {
        bytes32 typehash = keccak256("ConsentWithdrawal(bytes32 leaf)");
        return
            _digest(
                "PTX ConsentRegistry",
                address(consents),
                keccak256(abi.encode(typehash, leaf))
            );
    }

    /// @notice A consent of the holder to the agreement `id`, for a day.
    function _entry(address issuer) internal view returns (bytes memory) {
        return _entryFor(issuer, uint64(START), uint64(START + 1 days));
    }

    function _entryFor(
        address issuer,
        uint64 validFrom,
        uint64 validUntil
    ) internal view returns (bytes memory) {
        return
            abi.encodePacked(
                hex"0101",
                id,
                issuer,
                holder,
                validFrom,
                validUntil,
                bytes1(0x02),
                keccak256("commitment")
            );
    }

    function _leafOf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"00", entry));
    }

    function _leaves(
        uint256 count,
        string memory name
    ) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) leaves[i] = keccak256(abi.encode(name, i));
    }

    function _one(bytes32 leaf) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](1);
        leaves[0] = leaf;
    }

    function _anchor(
        Organisation memory issuer,
        bytes32[] memory leaves
    ) internal returns (bytes32) {
        vm.prank(issuer.account);
        return consents.anchor(issuer.id, leaves);
    }

    // Accounts

    function _bindingDigest(address organisation, address account) internal view returns (bytes32) {
        bytes32 typehash = keccak256("AccountBinding(address organisation,address account)");
        return
            _digest(
                "PTX ParticipantRegistry",
                address(registry),
                keccak256(abi.encode(typehash, organisation, account))
            );
    }

    /// @notice Binds a contract wallet that believes its owner's key.
    function _bindWallet(
        Organisation memory organisation,
        address wallet,
        uint256 ownerKey,
        uint8 scopes
    ) internal {
        bytes memory proof = _sign(ownerKey, _bindingDigest(organisation.id, wallet));
        vm.prank(organisation.account);
        registry.bindAccount(organisation.id, wallet, scopes, FOREVER, proof);
    }

    // Money

    function _signed(IUsageSettlement.Voucher memory voucher) internal view returns (bytes memory) {
        return _sign(company.key, _voucherDigest(voucher));
    }

    /// @notice All that a settlement moves.
    function _money() internal view returns (bytes memory) {
        return
            abi.encode(
                settlement.depositOf(id, company.id),
                settlement.balanceOf(school.id),
                settlement.balanceOf(operator.id),
                settlement.balanceOf(company.id),
                settlement.commissionOwed(),
                settlement.settledUnitsOf(id, company.id, PERIOD)
            );
    }

    // What reverts

    function _agreementSignatureInvalid(
        bytes32 agreementId,
        address signer
    ) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_SignatureInvalid.selector,
                agreementId,
                signer
            );
    }

    function _leavingNotDue(uint256 executableAt) internal view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_LeavingNotDue.selector,
                executableAt,
                block.timestamp
            );
    }

    function _voucherSignatureInvalid(address signer) internal view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_SignatureInvalid.selector,
                company.id,
                signer
            );
    }

    function _depositTooSmall(uint256 left, uint256 needed) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_DepositTooSmall.selector,
                left,
                needed
            );
    }

    function _withdrawalInvalid(
        IConsentRegistry.Withdrawal memory withdrawal
    ) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_SignatureInvalid.selector,
                withdrawal.holder,
                withdrawal.leaf
            );
    }
}

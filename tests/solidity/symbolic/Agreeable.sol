// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";

/// @notice Neighbours that agree with whatever a property allows, and a signer that signed
/// everything: so that a property rests on the contract under test alone.
contract Agreeable {
    bool public says = true;
    address public organisation;
    uint16 public rate;
    bytes32 public constant DOMAIN_SEPARATOR = keccak256("domain");

    bool public signsAll = true;
    bytes32 public signed;

    /// @notice From now on the wallet has signed this digest and no other.
    function setSigned(bytes32 digest) external {
        (signsAll, signed) = (false, digest);
    }

    function set(bool says_, address organisation_, uint16 rate_) external {
        (says, organisation, rate) = (says_, organisation_, rate_);
    }

    // Participants

    function authorise(address, address, uint8) external view {
        require(says);
    }

    function speaksFor(address, address, uint8) external view returns (bool) {
        return says;
    }

    function signsVoucherFor(address, address, uint40) external view returns (bool) {
        return says;
    }

    function isParticipantAccount(address account) external view returns (bool) {
        return account == organisation;
    }

    function accountOf(address) external view returns (IParticipantRegistry.Account memory) {
        return IParticipantRegistry.Account(organisation, 31, type(uint40).max, 0);
    }

    function requireNotStopped() external view {
        require(says);
    }

    // Agreements, rates, token

    function partyOf(bytes32, address) external view returns (IAgreementRegistry.Party memory) {
        return IAgreementRegistry.Party({isParty: says, signedAt: 1, suspendedAt: 0});
    }

    function agreementOf(
        bytes32
    ) external pure returns (IAgreementRegistry.Agreement memory agreement) {
        agreement.state = IAgreementRegistry.State.Active;
        agreement.validUntil = type(uint64).max;
    }

    function wasActivated(bytes32) external view returns (bool) {
        return says;
    }

    function rateOf(uint16, uint32) external view returns (uint16) {
        return rate;
    }

    uint256 public paid;

    function transfer(address, uint256 amount) external returns (bool) {
        paid += amount;
        return true;
    }

    function transferFrom(address, address, uint256) external view returns (bool) {
        return says;
    }

    // A contract wallet

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return signsAll || digest == signed ? this.isValidSignature.selector : bytes4(0);
    }

    // Governance

    function canCall(address, address, bytes4) external view returns (bool, uint32) {
        return (says, 0);
    }
}

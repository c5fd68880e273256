// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {Actors} from "./Actors.sol";

/// @title GhostLedger
/// @notice What the ledger must hold, kept beside it from what was done and from the events alone.
abstract contract GhostLedger is Actors {
    struct GhostAgreement {
        bytes32 id;
        bytes terms;
        address[] parties;
        uint64 validFrom;
        uint64 validUntil;
        IAgreementRegistry.State state;
        bool wasActive;
        IAgreementRegistry.State seen;
    }

    /// @param isProvable Whether the log emitted the leaf in its issuer's namespace.
    struct GhostConsent {
        bytes entry;
        bytes32 leaf;
        bytes32 agreementId;
        address issuer;
        uint256 holderKey;
        uint64 validFrom;
        uint64 validUntil;
        bool isProvable;
        bytes32 root;
        uint256 index;
        bytes32[] path;
    }

    struct GhostBatch {
        address issuer;
        bytes32 root;
        uint64 firstIndex;
        uint256 size;
    }

    /// @param gross What each price line brought so far, from the events.
    /// @param unitsSeen The most units that the contract ever said.
    struct GhostUse {
        bytes32 id;
        address consumer;
        uint32 period;
        uint64 units;
        uint64 unitsSeen;
        uint256[] gross;
        uint256[] commission;
    }

    /// @notice One settlement's movements, from the state before and after and from the events.
    struct Split {
        uint256 fromDeposits;
        uint256 toBalances;
        uint256 toCommission;
        uint256 grossEmitted;
        uint256 commissionEmitted;
    }

    struct GhostRate {
        uint32 fromPeriod;
        uint16 rateBps;
    }

    struct GhostStop {
        uint256 start;
        uint256 end;
    }

    uint16[2] internal categories = [CATALOGUE, CONSENT];

    // Agreements
    GhostAgreement[] internal known;
    mapping(bytes32 id => mapping(address party => bool)) internal signedBy;
    mapping(bytes32 id => mapping(address party => bool)) internal suspendedBy;
    mapping(uint256 from => mapping(uint256 to => uint256)) internal moves;

    // Consents
    GhostConsent[] internal consented;
    GhostBatch[] internal batches;
    mapping(address who => mapping(bytes32 leaf => uint256)) internal endedAt;
    uint256 internal endings;
    uint256 internal endingsEmitted;

    // Money
    uint256 internal issued;
    uint256 internal redeemed;
    uint256 internal gifts;
    uint256 internal commissionEarned;
    uint256 internal commissionPaidOut;
    uint256 internal treasuryDonated;
    uint256 internal treasuryGranted;
    mapping(address organisation => uint256) internal earned;
    mapping(address organisation => uint256) internal claimed;
    mapping(bytes32 id => mapping(address consumer => uint256)) internal deposited;
    mapping(bytes32 id => mapping(address consumer => uint256)) internal depositedAt;
    mapping(bytes32 id => mapping(address consumer => IUsageSettlement.Leaving)) internal leavings;
    /// @dev From the last deposit to the leaving that took the least time.
    uint256 internal shortestStay = type(uint256).max;
    GhostUse[] internal uses;
    mapping(bytes32 use => uint256 indexPlusOne) private _useIndex;
    Split[] internal splits;
    uint256 internal unitsFell;

    // Governance
    mapping(uint16 category => GhostRate[]) internal rates;
    mapping(uint16 category => mapping(uint32 period => uint16)) internal frozenRate;
    uint32 internal frozenUntil;
    address internal guardianInOffice;
    GhostStop[] internal guardianStops;

    // What nobody may do, and somebody did all the same: the invariants say that it is nothing.
    string[] internal seizures;
    string[] internal barredBusiness;
    string[] internal forbiddenMoves;
    string[] internal earlyPayments;

    function _open() internal {
        _gather();
        rates[CATALOGUE].push(GhostRate(PERIOD, CATALOGUE_BPS));
        rates[CONSENT].push(GhostRate(PERIOD, CONSENT_BPS));
        frozenUntil = PERIOD;
        _freezeRates();
    }

    // Attempts

    /// @notice Tries what must be refused, for one of the reasons; false if it was done instead.
    function _isRefused(
        address caller,
        address target,
        bytes memory act,
        bytes4[3] memory reasons
    ) internal returns (bool) {
        vm.prank(caller);
        (bool done, bytes memory answer) = target.call(act);
        if (done) return false;
        bytes4 reason = bytes4(answer);
        for (uint256 i; i < reasons.length; ++i) {
            if (reason == reasons[i] && reason != 0) return true;
        }
        revert(string.concat("refused for another reason: ", vm.toString(answer)));
    }

    // Time

    function _pass(uint256 duration) internal override {
        clock += duration;
        vm.warp(clock);
        _freezeRates();
    }

    /// @dev From the moment a period is nearer than the notice, its rates stand.
    function _freezeRates() private {
        while (Periods.startOf(frozenUntil) < clock + 30 days) {
            for (uint256 i; i < categories.length; ++i) {
                uint16 category = categories[i];
                frozenRate[category][frozenUntil] = _rateOf(category, frozenUntil);
            }
            ++frozenUntil;
        }
    }

    function _rateOf(uint16 category, uint32 period) internal view returns (uint16 rateBps) {
        GhostRate[] storage history = rates[category];
        for (uint256 i; i < history.length; ++i) {
            if (history[i].fromPeriod <= period) rateBps = history[i].rateBps;
        }
    }

    // Agreements

    function _termsOf(
        GhostAgreement storage agreement
    ) internal view returns (IAgreementRegistry.Terms memory) {
        return abi.decode(agreement.terms, (IAgreementRegistry.Terms));
    }

    function _isParty(
        GhostAgreement storage agreement,
        address organisation
    ) internal view returns (bool) {
        for (uint256 i; i < agreement.parties.length; ++i) {
            if (agreement.parties[i] == organisation) return true;
        }
        return false;
    }

    function _isActiveFor(bytes32 id, address organisation) internal view returns (bool) {
        for (uint256 i; i < known.length; ++i) {
            GhostAgreement storage agreement = known[i];
            if (agreement.id != id) continue;
            return
                agreement.state == IAgreementRegistry.State.Active &&
                agreement.validFrom <= clock &&
                clock < agreement.validUntil &&
                _isParty(agreement, organisation);
        }
        return false;
    }

    // Uses

    function _useOf(
        bytes32 id,
        address consumer,
        uint32 period
    ) internal returns (GhostUse storage) {
        bytes32 key = keccak256(abi.encode(id, consumer, period));
        if (_useIndex[key] == 0) {
            GhostUse storage use = uses.push();
            (use.id, use.consumer, use.period) = (id, consumer, period);
            _useIndex[key] = uses.length;
        }
        return uses[_useIndex[key] - 1];
    }

    /// @notice max(0, units − free) · price, written down anew.
    function _gross(
        IAgreementRegistry.PriceLine memory line,
        uint64 units
    ) internal pure returns (uint256) {
        return units > line.freeUnits ? uint256(units - line.freeUnits) * line.unitPrice : 0;
    }

    function _cost(
        IAgreementRegistry.Terms memory terms,
        uint64 fromUnits,
        uint64 toUnits
    ) internal pure returns (uint256 cost) {
        for (uint256 i; i < terms.lines.length; ++i) {
            cost += _gross(terms.lines[i], toUnits) - _gross(terms.lines[i], fromUnits);
        }
    }

    function _indexOf(bytes32 id) internal view returns (uint256 index) {
        while (known[index].id != id) ++index;
    }

    // What an act has changed

    function _observe() internal override {
        for (uint256 i; i < known.length; ++i) {
            GhostAgreement storage agreement = known[i];
            IAgreementRegistry.State state = agreements.agreementOf(agreement.id).state;
            if (state == agreement.seen) continue;
            ++moves[uint256(agreement.seen)][uint256(state)];
            agreement.seen = state;
        }
        for (uint256 i; i < uses.length; ++i) {
            GhostUse storage use = uses[i];
            uint64 units = settlement.settledUnitsOf(use.id, use.consumer, use.period);
            if (units < use.unitsSeen) ++unitsFell;
            else use.unitsSeen = units;
        }
    }

    /// @notice Counts a kind of event among the logs.
    function _count(Vm.Log[] memory logs, bytes32 topic) internal pure returns (uint256 count) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == topic) ++count;
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {AgreementHandler} from "./AgreementHandler.sol";
import {ConsentHandler} from "./ConsentHandler.sol";
import {DepositHandler} from "./DepositHandler.sol";
import {GovernanceHandler} from "./GovernanceHandler.sol";
import {OutsiderHandler} from "./OutsiderHandler.sol";
import {ParticipantHandler} from "./ParticipantHandler.sol";
import {VoucherHandler} from "./VoucherHandler.sol";

/// @title LedgerHandlers
/// @notice All acts over all seven contracts, and where every campaign begins: weeks after the
/// first rates, an agreement of three that is over and one that begins, each with a deposit.
abstract contract LedgerHandlers is
    ParticipantHandler,
    GovernanceHandler,
    AgreementHandler,
    ConsentHandler,
    DepositHandler,
    VoucherHandler,
    OutsiderHandler
{
    bytes4[] private _selectors;

    function setUp() public override {
        super.setUp();
        _open();
        for (uint256 i; i < organisations.length; ++i) {
            standings[organisations[i]] = GhostStanding(15, 1);
        }
        _agreeFor(20 days);
        _pass(45 days);
        _agreeFor(365 days);
        guardianInOffice = guardians[0];
        vm.prank(address(timelock));
        registry.appointGuardian(guardians[0]);
        _observe();
        _chooseActs();
    }

    /// @dev Between all three from now on; what may be used of it is deposited.
    function _agreeFor(uint256 duration) private {
        IAgreementRegistry.Terms memory terms = _terms();
        (terms.validFrom, terms.validUntil) = (uint64(clock), uint64(clock + duration));
        uint256 index = known.length;
        _recordProposal(_propose(terms), terms);
        bytes32 id = known[index].id;
        for (uint256 i; i < terms.parties.length; ++i) {
            _signFor(known[index], terms.parties[i], 0);
        }
        _issue(company.account, 1_000 * EURO);
        vm.startPrank(company.account);
        token.approve(address(settlement), 1_000 * EURO);
        settlement.deposit(id, company.id, 1_000 * EURO);
        vm.stopPrank();
        _recordDeposit(Stake(id, company.id), 1_000 * EURO);
    }

    function _chooseActs() private {
        _participantActs();
        _governanceActs();
        _agreementActs();
        _consentActs();
        _moneyActs();
        targetContract(address(this));
        targetSelector(FuzzSelector(address(this), _selectors));
    }

    function _participantActs() private {
        _selectors.push(this.admit.selector);
        _selectors.push(this.classify.selector);
        _selectors.push(this.suspendOrReinstate.selector);
        _selectors.push(this.describe.selector);
        _selectors.push(this.bindAccount.selector);
        _selectors.push(this.bindTakenAccount.selector);
        _selectors.push(this.retireAccount.selector);
        _selectors.push(this.loseEveryKey.selector);
        _selectors.push(this.delegate.selector);
        _selectors.push(this.announceRecovery.selector);
        _selectors.push(this.cancelRecovery.selector);
        _selectors.push(this.recover.selector);
        _selectors.push(this.recoverTooEarly.selector);
        _selectors.push(this.actForSomebodyElse.selector);
        _selectors.push(this.newBusinessWhileBarred.selector);
    }

    function _governanceActs() private {
        _selectors.push(this.passTime.selector);
        _selectors.push(this.setRate.selector);
        _selectors.push(this.appointGuardian.selector);
        _selectors.push(this.stopByGuardian.selector);
        _selectors.push(this.stopByGovernance.selector);
        _selectors.push(this.endStop.selector);
        _selectors.push(this.governWithoutPower.selector);
    }

    function _agreementActs() private {
        _selectors.push(this.propose.selector);
        _selectors.push(this.sign.selector);
        _selectors.push(this.signByAll.selector);
        _selectors.push(this.suspendAgreement.selector);
        _selectors.push(this.resumeAgreement.selector);
        _selectors.push(this.terminateAgreement.selector);
        _selectors.push(this.moveAgainstTheState.selector);
        _selectors.push(this.showAcceptanceOfAnother.selector);
    }

    function _consentActs() private {
        _selectors.push(this.anchor.selector);
        _selectors.push(this.anchorNodeOverHiddenLeaf.selector);
        _selectors.push(this.anchorForSomebodyElse.selector);
        _selectors.push(this.withdraw.selector);
        _selectors.push(this.withdrawBySignature.selector);
        _selectors.push(this.withdrawManyBySignature.selector);
        _selectors.push(this.withdrawWithForeignSignature.selector);
        _selectors.push(this.revoke.selector);
        _selectors.push(this.invalidate.selector);
        _selectors.push(this.endWhatIsNotTheirs.selector);
    }

    function _moneyActs() private {
        _selectors.push(this.issue.selector);
        _selectors.push(this.redeem.selector);
        _selectors.push(this.transfer.selector);
        _selectors.push(this.transferToStranger.selector);
        _selectors.push(this.give.selector);
        _selectors.push(this.grant.selector);
        _selectors.push(this.deposit.selector);
        _selectors.push(this.depositWithPermit.selector);
        _selectors.push(this.requestLeaving.selector);
        _selectors.push(this.leave.selector);
        _selectors.push(this.leaveTooEarly.selector);
        _selectors.push(this.claim.selector);
        _selectors.push(this.claimTooMuch.selector);
        _selectors.push(this.payOutCommission.selector);
        _selectors.push(this.settle.selector);
        _selectors.push(this.settleMany.selector);
        _selectors.push(this.settleBeyondDeposit.selector);
        _selectors.push(this.settleAgain.selector);
        _selectors.push(this.settleUnsigned.selector);
        _selectors.push(this.settleOutsideValidity.selector);
    }
}

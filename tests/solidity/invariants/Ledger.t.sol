// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AgreementInvariants} from "./AgreementInvariants.sol";
import {ConsentInvariants} from "./ConsentInvariants.sol";
import {ExitInvariants} from "./ExitInvariants.sol";
import {MoneyInvariants} from "./MoneyInvariants.sol";
import {ParticipantInvariants} from "./ParticipantInvariants.sol";
import {PowerInvariants} from "./PowerInvariants.sol";
import {SettlementInvariants} from "./SettlementInvariants.sol";

/// @title LedgerInvariantsTest
/// @notice Whatever anybody does in whatever order, over all contracts: docs/invariants.md numbers
/// what holds all the same.
contract LedgerInvariantsTest is
    MoneyInvariants,
    SettlementInvariants,
    AgreementInvariants,
    ConsentInvariants,
    ParticipantInvariants,
    PowerInvariants,
    ExitInvariants
{}

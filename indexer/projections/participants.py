"""Who takes part: admissions, accounts with scopes, delegations, recoveries, suspensions, stops."""

from __future__ import annotations

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from protocol import events


def rows_of(placed: PlacedEvent) -> list[Row]:
    """Rows of one event; none if the event is not about participants."""
    match placed.event:
        case events.ParticipantAdmitted(organisation, did, roles, college):
            return [fact_row(tables.admissions, placed, organisation, did, int(roles), college)]
        case events.ParticipantClassified(organisation, roles, college):
            return [fact_row(tables.classifications, placed, organisation, int(roles), college)]
        case events.ParticipantDescribed(organisation, service_address, document_hash):
            values = (organisation, service_address, document_hash)
            return [fact_row(tables.descriptions, placed, *values)]
        case events.ParticipantSuspended(organisation):
            return [fact_row(tables.suspensions, placed, organisation, True)]
        case events.ParticipantReinstated(organisation):
            return [fact_row(tables.suspensions, placed, organisation, False)]
        case events.AccountBound(organisation, account, scopes, expires_at):
            values_bound = (account, organisation, int(scopes), expires_at)
            return [fact_row(tables.accounts, placed, *values_bound)]
        case events.AccountRetired(organisation, account):
            return [fact_row(tables.retirements, placed, account, organisation)]
        case events.OperatorDelegated(organisation, operator, scopes, expires_at):
            values_delegated = (organisation, operator, int(scopes), expires_at)
            return [fact_row(tables.delegations, placed, *values_delegated)]
        case events.RecoveryAnnounced(organisation, account, executable_at):
            return [fact_row(tables.recoveries, placed, organisation, account, executable_at)]
        case events.RecoveryCancelled(organisation, account):
            return [fact_row(tables.recoveries, placed, organisation, account, None)]
        case events.Stopped(until):
            return [fact_row(tables.stops, placed, until)]
        case events.StopEnded():
            return [fact_row(tables.stops, placed, 0)]
    return []

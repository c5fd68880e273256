"""What is proposed, made and called off in the timelock, and who may do so."""

from __future__ import annotations

from indexer.tables.base import amount, event_table, octets
from protocol import timelock_events as events

scheduled_calls = event_table(
    events.CallScheduled,
    "scheduled_calls",
    octets("operation", index=True),
    amount("call_index"),
    octets("target"),
    amount("value"),
    octets("data"),
    octets("predecessor"),
    amount("delay_seconds"),
)
executed_calls = event_table(
    events.CallExecuted,
    "executed_calls",
    octets("operation", index=True),
    amount("call_index"),
    octets("target"),
    amount("value"),
    octets("data"),
)
call_salts = event_table(events.CallSalt, "call_salts", octets("operation"), octets("salt"))
cancellations = event_table(events.Cancelled, "cancellations", octets("operation", index=True))
delay_changes = event_table(
    events.MinDelayChange, "delay_changes", amount("old_seconds"), amount("new_seconds")
)
role_grants = event_table(
    events.RoleGranted, "role_grants", octets("role"), octets("account"), octets("sender")
)
role_revocations = event_table(
    events.RoleRevoked, "role_revocations", octets("role"), octets("account"), octets("sender")
)
role_admins = event_table(
    events.RoleAdminChanged,
    "role_admins",
    octets("role"),
    octets("previous_admin_role"),
    octets("new_admin_role"),
)

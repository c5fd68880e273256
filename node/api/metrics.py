"""What the API counts. No label ever carries a person, a leaf or a key."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("ptx_http_requests_total", "Requests answered", ("method", "route", "status"))
DURATION = Histogram(
    "ptx_http_request_seconds",
    "Seconds from the request's first byte to the answer",
    ("method", "route"),
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15),
)
QUICK_STATUS = Counter(
    "ptx_quick_status_total", "Consents that the status door answered without the framework"
)
LIMITED = Counter("ptx_http_limited_total", "Requests that a limit refused", ("limit",))
OUTBOX_OPEN = Gauge("ptx_outbox_open", "Acts promised and not on chain yet")
OUTBOX_OLDEST_SECONDS = Gauge("ptx_outbox_oldest_seconds", "Age of the oldest of them")
OPEN_ACTS = Gauge("ptx_outbox_acts", "Acts promised and not on chain yet", ("kind", "state"))
OPEN_ACTS_SECONDS = Gauge(
    "ptx_outbox_acts_oldest_seconds", "Age of the oldest of them", ("kind", "state")
)
TRANSACTIONS_OPEN = Gauge(
    "ptx_transactions_open", "Nonces of which it is not certain for ever what used them"
)
WEBHOOKS = Gauge("ptx_webhooks", "Webhooks that are followed, fail, or are disabled", ("state",))
SILENT_SECONDS = Gauge(
    "ptx_process_silent_seconds", "Seconds since a process told what it counts", ("process",)
)
POOL_SIZE = Gauge("ptx_database_pool_size", "Connections that the API may use at once")
POOL_IN_USE = Gauge("ptx_database_pool_in_use", "Those of them that are in use")
BOOKS_DIFFER = Gauge("ptx_books_differ", "1 while books and contracts say different things")
EVENT_STREAMS = Gauge("ptx_event_streams", "Streams of events that are open")
INDEX_BLOCK = Gauge("ptx_index_block", "Last block in the index")
INDEX_PROVEN_BLOCK = Gauge(
    "ptx_index_proven_block", "Last block up to which headers and receipts prove the index"
)
INDEX_HALTED = Gauge("ptx_index_halted", "1 while the indexer stands still: it must not guess")
QUARANTINED = Gauge("ptx_index_quarantined", "Logs of the contracts that nothing explains")
AGE_SECONDS = Gauge("ptx_index_age_seconds", "Seconds since the index equalled the chain's head")

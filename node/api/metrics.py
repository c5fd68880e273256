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
OUTBOX_OPEN = Gauge("ptx_outbox_open", "Acts promised and not on chain yet")
OUTBOX_OLDEST_SECONDS = Gauge("ptx_outbox_oldest_seconds", "Age of the oldest of them")
EVENT_STREAMS = Gauge("ptx_event_streams", "Streams of events that are open")
INDEX_BLOCK = Gauge("ptx_index_block", "Last block in the index")
INDEX_PROVEN_BLOCK = Gauge(
    "ptx_index_proven_block", "Last block up to which headers and receipts prove the index"
)
INDEX_HALTED = Gauge("ptx_index_halted", "1 while the indexer stands still: it must not guess")
QUARANTINED = Gauge("ptx_index_quarantined", "Logs of the contracts that nothing explains")
AGE_SECONDS = Gauge("ptx_index_age_seconds", "Seconds since the index equalled the chain's head")

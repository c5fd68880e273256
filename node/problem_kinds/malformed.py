"""What came is not what the node reads."""

from __future__ import annotations

from node.problem_kinds.kind import Kind

MALFORMED = (
    Kind(
        400,
        "json-malformed",
        "The body is not JSON",
        "The body could not be read as JSON.",
        "Send one JSON value, UTF-8, as RFC 8259 describes.",
    ),
    Kind(
        400,
        "json-too-deep",
        "The body is nested too deep",
        "Arrays and objects stand within each other deeper than anything that the node takes.",
        "Send what /docs describes: nothing there is nearly as deep.",
    ),
    Kind(
        405,
        "method-not-allowed",
        "The method is not allowed",
        "The address exists, but not for this method; the header Allow names those it takes.",
        "See /docs for the routes and methods.",
    ),
    Kind(
        408,
        "request-too-slow",
        "The request came too slowly",
        "The body did not arrive within the time that the node waits for one.",
        "Send it again over a better connection, or in smaller parts.",
    ),
    Kind(
        413,
        "body-too-large",
        "The body is too large",
        "The body is over the limit on one request at this address, or holds more values than any "
        "batch: 32 MiB for a batch by who has the right, 1 MiB with another valid credential, "
        "16 to 256 KiB where none is asked for.",
        "Send fewer items a request; /docs names the limit of each operation.",
    ),
    Kind(
        415,
        "content-type-not-json",
        "The body is not declared as JSON",
        "The node reads JSON alone, and the header Content-Type says otherwise or is missing.",
        "Send the header `Content-Type: application/json`.",
        {"Accept": "application/json"},
    ),
    Kind(
        415,
        "content-type-not-csv",
        "The body is not declared as CSV",
        "This route reads CSV alone, and the header Content-Type says otherwise or is missing.",
        "Send the header `Content-Type: text/csv`.",
        {"Accept": "text/csv"},
    ),
    Kind(
        422,
        "consent-request-refused",
        "The request is refused",
        "The request asks for what cannot be granted on this ledger now.",
        "Correct the field that is named.",
    ),
    Kind(
        422,
        "csv-refused",
        "The file has faults",
        "Nothing of the file was taken; `errors` names each fault by line and column.",
        "Correct the lines that are named, and send the whole file again.",
    ),
    Kind(
        422,
        "request-invalid",
        "The request does not fit",
        "A field is missing, unknown or of another form; `errors` names each.",
        "Send values as /docs describes.",
    ),
    Kind(
        422,
        "idempotency-key-reused",
        "The Idempotency-Key belongs to another request",
        "The key was sent before with another body or path.",
        "Use a new key for a new request.",
    ),
    Kind(
        422,
        "document-hash-wrong",
        "The terms are not about this document",
        "A hash in the terms is not that of the document which came with them.",
        "Send the SHA-256 of the document's canonical JSON (RFC 8785).",
    ),
    Kind(
        422,
        "record-refused",
        "The record is refused",
        "The record holds together, but this caller cannot grant it on this ledger now.",
        "Correct the field that is named.",
    ),
    Kind(
        422,
        "slip-of-another-ledger",
        "The slip is for another ledger",
        "A withdrawal slip names the chain and the registry that it is for.",
        "Hand the slip to an operator of the ledger that it names.",
    ),
    Kind(
        422,
        "voucher-refused",
        "The voucher is refused",
        "The voucher is not the caller's, or not over the uses recorded on this node.",
        "Sign the voucher that POST /v1/usages answered.",
    ),
    Kind(
        422,
        "position-unknown",
        "The position is not of this feed",
        "The position is of a generation that this node's index has not reached.",
        "Begin anew with 0-0-0: a position belongs to the node that gave it.",
    ),
    Kind(
        422,
        "webhook-url-refused",
        "The node does not call this address",
        "A webhook is called by https at a public address.",
        "Register an https URL without user name whose host has public addresses alone.",
    ),
    Kind(
        431,
        "headers-too-large",
        "The headers are too large",
        "The header fields together are over the node's limit.",
        "Send fewer or shorter header fields; the node needs no cookies.",
    ),
)

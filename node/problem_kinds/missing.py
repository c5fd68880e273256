"""What is asked for is not there."""

from __future__ import annotations

from node.problem_kinds.kind import Kind, nothing_found

MISSING = (
    Kind(
        404,
        "not-found",
        "No such route",
        "The node serves nothing at this address.",
        "See /docs for the routes and methods.",
    ),
    Kind(
        404,
        "problem-not-found",
        "No such kind of problem",
        "The node answers no problem of this kind.",
        "GET /problems lists those that it does.",
    ),
    nothing_found("act", "GET /v1/outbox lists those of your organisation."),
    nothing_found("api-key", "GET /v1/api-keys lists those of the organisation."),
    nothing_found("person", "GET /v1/people lists those of the organisation."),
    nothing_found("session", "GET /v1/sessions lists those of the organisation."),
    nothing_found("agreement", "Propose it: POST /v1/agreements; or compare its id."),
    nothing_found("offer", "GET /v1/catalogue/offers lists those of the organisation."),
    nothing_found("consent", "Ask with the full entry, or as the one who holds the record."),
    nothing_found("did-document", "Ask the node that the organisation names on chain."),
    nothing_found("consent-request", "GET /v1/consent-requests lists those that there are."),
    nothing_found("rights-request", "Compare the reference; GET /v1/rights-requests lists."),
    nothing_found("participant", "GET /v1/participants lists those that are admitted."),
    nothing_found("settlement", "Ask for it: POST /v1/settlements."),
    nothing_found("webhook", "GET /v1/webhooks lists those of the organisation."),
    nothing_found("withdrawal", "Send it: POST /v1/withdrawals."),
    nothing_found("table", "GET /governance leads to each of its tables."),
    nothing_found("event-kind", "GET /governance leads to the events behind each figure."),
    Kind(
        404,
        "recipient-not-hosted",
        "The recipient is not hosted here",
        "The node keeps records only for organisations that it hosts.",
        "Deliver to the recipient's service address on chain; it is asked for at each attempt.",
    ),
    Kind(
        410,
        "consent-request-expired",
        "The request has expired",
        "The time in which the request could be answered is over.",
        "The organisation sends a new request: POST /v1/consent-requests.",
    ),
    Kind(
        410,
        "record-erased",
        "The record is erased",
        "The node has erased the record; its leaf stays on chain and tells nothing.",
        "The learner's exported file, or another party's copy, still proves the consent.",
    ),
)

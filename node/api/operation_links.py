"""Where the description leads from one answer to the next request (OpenAPI links): what was made,
and where it is shown, changed and removed."""

from __future__ import annotations

from typing import Any

Operation = tuple[str, str]

LINKS: dict[Operation, tuple[str, dict[str, str], tuple[Operation, ...]]] = {
    ("post", "/v1/agreements"): (
        "202",
        {"agreement_id": "/agreementId"},
        (("get", "/v1/agreements/{agreement_id}"),),
    ),
    ("post", "/v1/consent-requests"): (
        "201",
        {"request_id": "/requestId"},
        (
            ("get", "/v1/consent-requests/{request_id}"),
            ("get", "/v1/consent-requests/{request_id}/qr.svg"),
            ("post", "/v1/consent-requests/{request_id}/attest"),
        ),
    ),
    ("post", "/v1/consents"): (
        "202",
        {"leaf": "/consents/0/leaf"},
        (("get", "/v1/consents/{leaf}"),),
    ),
    ("post", "/v1/withdrawals"): (
        "202",
        {"leaf": "/leaf"},
        (("get", "/v1/withdrawals/{leaf}"),),
    ),
    ("post", "/v1/settlements"): (
        "202",
        {"settlement_id": "/settlementId"},
        (("get", "/v1/settlements/{settlement_id}"),),
    ),
    ("post", "/v1/webhooks"): (
        "201",
        {"webhook_id": "/webhookId"},
        (
            ("post", "/v1/webhooks/{webhook_id}/redeliver"),
            ("delete", "/v1/webhooks/{webhook_id}"),
        ),
    ),
    ("post", "/v1/api-keys"): (
        "201",
        {"key_id": "/keyId"},
        (("post", "/v1/api-keys/{key_id}/rotate"), ("delete", "/v1/api-keys/{key_id}")),
    ),
    ("post", "/v1/people"): (
        "201",
        {"person_id": "/personId"},
        (("put", "/v1/people/{person_id}/role"), ("delete", "/v1/people/{person_id}")),
    ),
    ("post", "/v1/me/objections"): (
        "201",
        {"rights_request_id": "/rightsRequestId"},
        (("post", "/v1/rights-requests/{rights_request_id}/answer"),),
    ),
    ("post", "/v1/organisations/{organisation_id}/rights-requests"): (
        "201",
        {"Reference-Token": "/token"},
        (("get", "/v1/rights-requests/by-token"),),
    ),
}
"""From an operation and its status, by the named places in the answer's body, to others."""


def describe_links(document: dict[str, Any]) -> None:
    """Adds the links to the description."""
    paths = document["paths"]
    for (method, path), (status, places, targets) in LINKS.items():
        parameters = {name: f"$response.body#{place}" for name, place in places.items()}
        paths[path][method]["responses"][status]["links"] = {
            f"{method} {path}": {
                "operationId": paths[path][method]["operationId"],
                "parameters": parameters,
            }
            for method, path in targets
        }

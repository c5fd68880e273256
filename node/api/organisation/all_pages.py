"""The pages under `/organisation`."""

from __future__ import annotations

from fastapi import APIRouter

from node.api.organisation import (
    access,
    account_binding,
    accounts,
    agreement_drafts,
    agreement_imports,
    agreements,
    catalogue,
    consents,
    counts,
    erasure,
    leaving,
    money,
    outbox,
    overview,
    requests,
    rights,
    sign_in,
    statements,
    unknown,
    usage,
    vouchers,
)

router = APIRouter(include_in_schema=False)
for each in (
    *(sign_in.pages, sign_in.asked_by_script, overview.pages),
    *(agreement_drafts.pages, agreement_imports.pages, agreements.pages),
    catalogue.pages,
    *(consents.pages, counts.pages, requests.pages, access.pages),
    *(usage.pages, money.pages, leaving.pages, vouchers.pages, statements.pages, outbox.pages),
    *(accounts.pages, account_binding.pages, erasure.pages, rights.pages, unknown.pages),
):
    router.include_router(each)

"""The pages under `/organisation`."""

from __future__ import annotations

from fastapi import APIRouter

from node.api.organisation import access, consents, overview, requests, sign_in

router = APIRouter(include_in_schema=False)
for each in (
    *(sign_in.pages, sign_in.asked_by_script, overview.pages),
    *(consents.pages, requests.pages, access.pages),
):
    router.include_router(each)

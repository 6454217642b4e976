"""All routes of the citizen's pages."""

from fastapi import APIRouter

from service.citizen import (
    by_law,
    consent,
    consents,
    copy,
    data,
    erasure,
    home,
    log,
    log_entry,
    log_files,
    receipt_files,
    receipts,
    renewal,
    requests,
    settings,
    value,
)

router = APIRouter()
for _page in (
    home,
    requests,
    consents,
    consent,
    renewal,
    receipts,
    receipt_files,
    log,
    log_entry,
    log_files,
    data,
    copy,
    erasure,
    by_law,
    settings,
    value,
):
    router.include_router(_page.router)

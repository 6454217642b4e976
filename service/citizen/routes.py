"""All routes of the citizen's pages."""

from fastapi import APIRouter

from service.citizen import by_law, consents, data, home, log, receipts, requests, settings

router = APIRouter()
for _page in (home, requests, consents, receipts, log, data, by_law, settings):
    router.include_router(_page.router)

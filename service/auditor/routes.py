"""All routes of the auditor's pages and API."""

from fastapi import APIRouter

from service.auditor import api, export, sample, search

router = APIRouter()
for _page in (search, sample, export, api):
    router.include_router(_page.router)

"""All routes of the auditor's pages."""

from fastapi import APIRouter

from service.auditor import export, search

router = APIRouter()
for _page in (search, export):
    router.include_router(_page.router)

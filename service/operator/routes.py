"""Every router of the operator's pages and API."""

from fastapi import APIRouter

from service.operator import (
    acts,
    api,
    clients,
    clients_api,
    consents,
    declarations,
    health,
    merges,
)

router = APIRouter()
for each in (health, merges, declarations, clients, acts, api, clients_api, consents):
    router.include_router(each.router)

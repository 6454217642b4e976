"""Who hands in for an organisation: its active programs that are registered for it, nobody else."""

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from consent.clients import Client, register_client, suspend_client
from consent.depositing import depositing
from policies.ids import ClientId, OrganisationId
from tests.consent.flow import NOW, catalogue, metadata


def registered(ledger: Ledger, **members: object) -> Client:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(**members), catalogue())


def test_those_that_hand_in_for_an_organisation_are_its_active_ones(ledger: Ledger) -> None:
    source: dict[str, object] = {
        "organisation": "dvv",
        "grant_types": ["client_credentials"],
        "redirect_uris": None,
        "authorization_details_types": ["deposit"],
    }
    handing_in = registered(ledger, client_id="dvv-1", **source)
    registered(ledger, client_id="dvv-2", **source)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, ClientId("dvv-2"))
    registered(ledger, client_id="dvv-3", **(source | {"authorization_details_types": None}))
    registered(ledger, client_id="tax-1", **(source | {"organisation": "tax-admin"}))
    with ledger.read() as connection:
        assert depositing(connection, OrganisationId("dvv")) == [handing_in]
        assert depositing(connection, OrganisationId("kela")) == []

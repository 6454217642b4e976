"""Clients in the register: added by an operator, stopped once, never overwritten."""

from dataclasses import replace
from uuid import UUID

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import Ledger, begin
from consent.clients import (
    Client,
    ClientMetadataError,
    ClientStatus,
    ClientSuspendedError,
    UnknownClientError,
    client,
    clients,
    register_client,
    suspend_client,
)
from policies.ids import ClientId
from tests.consent.flow import NOW, catalogue, events, metadata


def _register(ledger: Ledger, **members: object) -> Client:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(**members), catalogue())


def _suspend(ledger: Ledger, client_id: ClientId) -> Client:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return suspend_client(uow, client_id)


def test_a_registered_client_is_found_as_it_was_registered(ledger: Ledger) -> None:
    registered = _register(ledger, token_endpoint_auth_signing_alg="ES256")
    with ledger.read() as connection:
        assert client(connection, registered.id) == registered
    assert registered.status is ClientStatus.ACTIVE
    assert registered.party["party_id"] == "debt-counsel"


def test_a_client_without_an_id_gets_a_random_one(ledger: Ledger) -> None:
    registered = _register(ledger, client_id=None)
    assert UUID(registered.id).version == 4


def test_registering_is_recorded(ledger: Ledger) -> None:
    registered = _register(ledger)
    (entry,) = events(ledger, Kind.CLIENT_REGISTERED)
    assert entry.get("client") == registered.id
    assert entry.get("organisation") == "debt-counsel"


def test_an_unknown_client_is_none(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert client(connection, ClientId("nobody")) is None


def test_an_id_is_taken_once_and_nothing_is_overwritten(ledger: Ledger) -> None:
    first = _register(ledger)
    with pytest.raises(ClientMetadataError, match="client_id: taken"):
        _register(ledger, client_name="Another")
    with ledger.read() as connection:
        assert clients(connection) == [first]


def test_an_organisation_outside_the_catalogue_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ClientMetadataError, match="organisation: unknown"):
        _register(ledger, organisation="ministry-of-silly-walks")
    with ledger.read() as connection:
        assert clients(connection) == []


def test_clients_are_listed_by_id(ledger: Ledger) -> None:
    _register(ledger, client_id="b")
    _register(ledger, client_id="a")
    with ledger.read() as connection:
        assert [each.id for each in clients(connection)] == ["a", "b"]


def test_a_suspended_client_is_suspended_and_recorded(ledger: Ledger) -> None:
    registered = _register(ledger)
    suspended = _suspend(ledger, registered.id)
    assert suspended == replace(registered, status=ClientStatus.SUSPENDED)
    with ledger.read() as connection:
        assert client(connection, registered.id) == suspended
    assert len(events(ledger, Kind.CLIENT_SUSPENDED)) == 1


def test_suspending_twice_is_an_error_and_leaves_one_event(ledger: Ledger) -> None:
    registered = _register(ledger)
    _suspend(ledger, registered.id)
    with pytest.raises(ClientSuspendedError) as refused:
        _suspend(ledger, registered.id)
    assert refused.value.client_id == registered.id
    assert len(events(ledger, Kind.CLIENT_SUSPENDED)) == 1


def test_an_unknown_client_cannot_be_suspended(ledger: Ledger) -> None:
    with pytest.raises(UnknownClientError) as refused:
        _suspend(ledger, ClientId("nobody"))
    assert refused.value.client_id == "nobody"

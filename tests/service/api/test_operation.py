"""Alive, ready, metrics, and the log over HTTP; through the whole application."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.model import SYSTEM, Event, Kind
from audit.shards import shard_at
from audit.tiles import unpack_entries
from audit.unit_of_work import begin
from tests.service.house import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.runtime.close()


@pytest.fixture
def visitor(house: House) -> TestClient:
    while house.runtime.sequencer.run_once(house.clock()) is not None:
        pass
    return house.visitor()


def test_it_is_alive(visitor: TestClient) -> None:
    assert visitor.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_while_the_log_keeps_up(house: House) -> None:
    assert house.visitor().get("/readyz").json()["checks"]["sequencer"] is False
    with TestClient(house.app, base_url="https://vault.example.fi") as running:
        answer = running.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        house.clock.advance(seconds=60)
        house.runtime.sequencer.stop()
        with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
        house.clock.advance(seconds=11)
        late = running.get("/readyz")
        assert (late.status_code, late.json()["checks"]["log"]) == (503, False)


def test_numbers_name_endpoints_and_outcomes_only(visitor: TestClient) -> None:
    visitor.post("/oauth/token")
    visitor.get("/api/v1/data/income")
    text = visitor.get("/metrics").text
    assert 'consent_vault_requests_total{endpoint="token",outcome="invalid_request"} 1' in text
    assert 'consent_vault_requests_total{endpoint="data",outcome="401"} 1' in text
    assert "consent_vault_log_queued 0" in text
    assert "consent_vault_decision_faults_total 0" in text


def opened(house: House, note: bytes) -> Checkpoint:
    signers, log = house.runtime.log_signers, shard_at(house.clock())
    return open_checkpoint(note, signers.verifiers(log), origin=signers.origin(log))


def test_the_newest_checkpoint_is_not_kept_by_caches(house: House, visitor: TestClient) -> None:
    answer = visitor.get("/audit/checkpoint")
    checkpoint = opened(house, answer.content)
    assert checkpoint.size > 0
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_tiles_and_entries_are_kept_for_ever(house: House, visitor: TestClient) -> None:
    width = opened(house, visitor.get("/audit/checkpoint").content).size
    tile = visitor.get(f"/audit/tile/0/000.p/{width}")
    entries = visitor.get(f"/audit/tile/entries/000.p/{width}")
    assert len(tile.content) == 32 * width
    assert len(unpack_entries(entries.content)) == width
    for answer in (tile, entries):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name", ["0/000", "0/000.p/0", "0/000.p/255", "0/0", "9/000.p/1", "x", "entries/001", "00/000"]
)
def test_a_tile_that_the_tree_does_not_have_is_not_found(visitor: TestClient, name: str) -> None:
    answer = visitor.get(f"/audit/tile/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_before_the_first_event_there_is_no_checkpoint(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    house = open_house(tmp_path_factory.mktemp("empty"))
    assert house.visitor().get("/audit/checkpoint").status_code == 404
    house.runtime.close()


def test_the_metadata_is_kept_for_an_hour_and_names_the_issuer(visitor: TestClient) -> None:
    for name in ("oauth-authorization-server", "openid-configuration"):
        answer = visitor.get(f"/.well-known/{name}", headers={"Host": "evil.example"})
        told = answer.json()
        assert told["issuer"] == "https://vault.example.fi"
        assert told["token_endpoint"] == "https://vault.example.fi/oauth/token"
        assert told["require_pushed_authorization_requests"] is True
        assert "RS256" not in told["dpop_signing_alg_values_supported"]
        assert answer.headers["cache-control"] == "public, max-age=3600"
    resource = visitor.get("/.well-known/oauth-protected-resource").json()
    assert resource["dpop_bound_access_tokens_required"] is True


def test_the_published_key_verifies_receipts_and_is_public(visitor: TestClient) -> None:
    (key,) = visitor.get("/oauth/jwks").json()["keys"]
    assert key["alg"] == "ES256"
    assert "d" not in key


def test_openapi_names_every_endpoint_of_programs(visitor: TestClient) -> None:
    paths = visitor.get("/openapi.json").json()["paths"]
    assert {"/oauth/par", "/oauth/token", "/api/v1/data/{dataset}", "/audit/checkpoint"} <= set(
        paths
    )
    # Pages are for people; the export of one's own log is for a program of theirs.
    assert [path for path in paths if "language" in path] == ["/{language}/log.json"]

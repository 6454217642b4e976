"""Deposits by sources: what is theirs, once for each key; a refusal repeats no document."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import jwt
import pytest

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.promise import from_header, open_promise
from audit.shards import UNSHARDED
from audit.unit_of_work import begin
from consent.clients import register_client, suspend_client
from consent.decisions import decide_self_access
from policies.canonical import canonical_json
from policies.ids import AttributeId, ClientId
from service.api.deposits import DepositApi
from service.exchange import Answer, Call
from service.idempotency import KEPT_FOR
from service.oauth.server import authorization_server
from service.runtime import open_runtime
from service.store import idempotency as store
from tests.consent.flow import metadata
from tests.service.office import (
    ISSUER,
    PERSON,
    Office,
    Program,
    content,
    header,
    new_key,
)
from vault.people import enrol
from vault.release import release

STRANGER = "150688-9551"
GROSS = "income.monthly_gross"
DETAILS = {"type": "deposit", "datatypes": ["income"]}


class Source:
    """The incomes register's program in front of an office."""

    def __init__(self, office: Office, *, organisation: str = "tax-admin", **members: Any) -> None:
        self.office = office
        self.program = Program(f"{organisation}-1", office.clock)
        self.api = DepositApi(office.server)
        told = {
            "client_id": self.program.client_id,
            "organisation": organisation,
            "jwks": {"keys": [self.program.jwk()]},
            "grant_types": ["client_credentials"],
            "redirect_uris": None,
            "authorization_details_types": ["deposit"],
        }
        with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
            register_client(uow, metadata(**(told | members)), office.runtime.catalogue)

    def asking(self, **changed: Any) -> Call:
        """The request for a token, not sent yet."""
        parameters = {
            "grant_type": "client_credentials",
            "authorization_details": json.dumps([DETAILS | changed]),
        }
        return self.program.form("/oauth/token", parameters)

    def ask(self, **changed: Any) -> Answer:
        return self.office.send(self.asking(**changed))

    def token(self, **changed: Any) -> str:
        given: str = content(self.ask(**changed))["access_token"]
        return given

    def call(
        self,
        token: str,
        body: bytes | None = None,
        *,
        dataset: str = "income",
        key: str | None = "first",
        media_type: str | None = "application/json",
    ) -> Call:
        path = f"/api/v1/deposits/{dataset}"
        proof = self.program.proof("PUT", path, access_token=token)
        headers = [(b"authorization", f"DPoP {token}".encode()), (b"dpop", proof.encode())]
        if media_type is not None:
            headers.append((b"content-type", media_type.encode()))
        if key is not None:
            headers.append((b"idempotency-key", f'"{key}"'.encode()))
        return Call("PUT", path, headers, b"", written() if body is None else body)

    def send(self, call: Call) -> Answer:
        return self.api.put(call, call.path.removeprefix("/api/v1/deposits/"))

    def put(self, body: bytes | None = None, *, token: str | None = None, **how: Any) -> Answer:
        return self.send(self.call(token or self.token(), body, **how))


def written(*, value: object = 401_234, **changed: object) -> bytes:
    """A document about the office's person; a member set to None is left out."""
    members: dict[str, object] = {
        "subject": {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": PERSON},
        "dataset": "income",
        "observed_at": "2026-11-23T07:30:00Z",
        "facts": {"income.monthly_gross": {"value": value}},
    }
    said = {name: each for name, each in (members | changed).items() if each is not None}
    return json.dumps(said).encode()


def held(office: Office) -> object:
    """The person's income, as the authority gets it."""
    token = content(office.by_law())["access_token"]
    answer = office.send(office.authority.get("/api/v1/data/income", token))
    return content(answer)["attributes"]["income.monthly_gross"]["value"]


def refusals(office: Office) -> list[str | None]:
    return [each.get("reason") for each in office.events(Kind.DEPOSIT_REFUSED)]


def deposited(office: Office) -> list[Entry]:
    """What was deposited through the way in, oldest first."""
    return [e for e in office.events(Kind.DATA_DEPOSITED) if "client:" in (e.get("actor") or "")]


@pytest.fixture
def source(office: Office) -> Source:
    return Source(office)


@pytest.fixture
def each_source(each_office: Office) -> Source:
    return Source(each_office)


@pytest.fixture(scope="module")
def busy_source(busy_office: Office) -> Source:
    """For tests that change nothing."""
    return Source(busy_office)


def test_a_source_gets_a_token_about_nobody(source: Source) -> None:
    given = content(source.ask())
    assert given["token_type"] == "DPoP"
    assert given["expires_in"] == 300
    assert given["authorization_details"] == [DETAILS]
    assert "subject" not in json.dumps(given)
    (event,) = source.office.events(Kind.DEPOSIT_ALLOWED)
    assert (event.get("client"), event.subject) == ("tax-admin-1", None)


def test_what_a_source_hands_in_is_held_and_its_event_is_promised(each_source: Source) -> None:
    office = each_source.office
    answer = each_source.put()
    told = content(answer)
    assert answer.status == 201
    assert held(office) == 401_234
    (event,) = deposited(office)
    assert told["event"] == header(answer, "consent-vault-event") == str(event.event_id)
    assert event.subject == office.person
    promise = open_promise(
        from_header(told["event_promise"]), office.runtime.log_signers.verifiers(UNSHARDED)
    )
    assert str(promise.event_id) == told["event"]
    assert header(answer, "event-promise") == told["event_promise"]
    assert header(answer, "cache-control") == "no-store"


def test_the_same_request_again_has_its_effect_once_and_the_same_answer(
    each_source: Source,
) -> None:
    token = each_source.token()
    first = each_source.put(token=token)
    again = each_source.put(token=token)
    assert (again.status, again.body) == (first.status, first.body)
    assert sorted(again.headers) == sorted(first.headers)
    kept, newest = deposited(each_source.office)
    assert newest.get("reason") == "already-deposited"
    assert newest.get("reference") == str(kept.event_id)
    assert newest.subject is None


def test_who_lost_the_answer_gets_it_from_the_next_server(each_source: Source) -> None:
    """The first server ended when it had committed: nothing but the database is left of it."""
    office = each_source.office
    token = each_source.token()
    lost = each_source.put(token=token)
    reopened = open_runtime(office.runtime.settings, clock=office.clock)
    each_source.api = DepositApi(authorization_server(reopened))
    assert each_source.put(token=token).body == lost.body
    reopened.ledger.engine.dispose()


def test_another_document_under_the_same_key_is_refused(each_source: Source) -> None:
    each_source.put()
    answer = each_source.put(written(value=1))
    assert answer.status == 422
    assert content(answer)["type"] == "/problems/idempotency-key-reused"
    assert held(each_source.office) == 401_234


def test_a_key_belongs_to_one_client_and_one_address(source: Source) -> None:
    other = Source(source.office, client_id="tax-admin-2")
    other.program.client_id = "tax-admin-2"
    source.put()
    assert other.put(written(value=2)).status == 201
    assert source.put(dataset="no-such", token=source.token()).status == 404


def test_a_key_is_forgotten_after_a_day(source: Source) -> None:
    source.put()
    source.office.clock.at += KEPT_FOR
    assert source.put(written(value=3)).status == 201
    assert held(source.office) == 3


def test_the_same_document_under_another_key_is_no_news(source: Source) -> None:
    source.put()
    answer = source.put(key="second")
    assert answer.status == 201
    newest = deposited(source.office)[-1]
    assert content(answer)["event"] == str(newest.event_id)
    assert newest.get("reason") == "already-deposited"


def test_while_a_request_is_answered_its_repeat_is_told_to_wait(each_source: Source) -> None:
    office = each_source.office
    if office.runtime.ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite answers one request at a time")
    call = each_source.call(each_source.token())
    key = hashlib.sha256(b"tax-admin-1\x00first").digest()
    with office.runtime.ledger.read() as elsewhere:
        assert store.claim(elsewhere, key)
        answer = each_source.send(call)
    assert answer.status == 409
    assert content(answer)["type"] == "/problems/idempotency-key-in-use"
    assert refusals(office) == ["idempotency-key-in-use"]
    assert each_source.put().status == 201


def test_many_at_once_under_one_key_have_one_effect(each_source: Source) -> None:
    token = each_source.token()
    calls = [each_source.call(token) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(each_source.send, calls))
    taken = {answer.body for answer in answers if answer.status == 201}
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(taken) == 1
    kept = [e for e in deposited(each_source.office) if e.get("reason") is None]
    assert len(kept) == 1


def test_a_document_that_is_refused_leaves_its_key_free(source: Source) -> None:
    assert source.put(written(value="much")).status == 422
    assert source.put().status == 201


@pytest.mark.parametrize("key", [None, "", "x" * 129, "ä", 'a"b', "a\\b", "a\x00"])
def test_a_key_must_stand_there_as_a_string(busy_source: Source, key: str | None) -> None:
    answer = busy_source.put(key=key)
    assert answer.status == 400
    assert content(answer)["type"] == "/problems/idempotency-key-missing"


def test_two_keys_are_none(busy_source: Source) -> None:
    call = busy_source.call(busy_source.token())
    twice = replace(call, headers=[*call.headers, (b"idempotency-key", b'"second"')])
    assert busy_source.send(twice).status == 400


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_taken(busy_source: Source, media_type: str | None) -> None:
    answer = busy_source.put(media_type=media_type)
    assert answer.status == 415
    assert content(answer)["type"] == "/problems/media-type-not-supported"


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        (b"{", "#", "not-json"),
        (b"[]", "#", "wrong-type"),
        (b'{"a":1,"a":2}', "#", "doubled-key"),
        (b"[[[[[[]]]]]]", "#", "too-deep"),
        (written(value=1.5), "#", "not-an-integer"),
        (written(value="401234"), f"#/facts/{GROSS}/value", "wrong-value-type"),
        (written(value=None), f"#/facts/{GROSS}/value", "wrong-type"),
        (written(value=""), f"#/facts/{GROSS}/value", "wrong-size"),
        (written(subject=None), "#/subject", "missing"),
        (written(subject={"format": "opaque", "id": "x"}), "#/subject/scheme", "missing"),
        (written(facts={}), "#/facts", "wrong-size"),
        (written(facts={"income.salary": {"value": 1}}), "#/facts", "unknown-attribute"),
        (written(facts={"Matti": {"value": 1}}), "#/facts", "unknown-member"),
        (
            written(facts={"residence.city": {"value": "Esimerkkilä"}}),
            "#/facts/residence.city",
            "attribute-of-other-dataset",
        ),
        (written(name="Aino"), "#", "unknown-member"),
        (
            written(dataset="residence"),
            f"#/facts/{GROSS}",
            "attribute-of-other-dataset",
        ),
        (written(dataset="no-such"), "#/dataset", "unknown-dataset"),
        (written(source="no-such"), "#/source", "unknown-source"),
        (written(source="vtj"), "#/source", "dataset-of-another-source"),
        (written(observed_at="yesterday"), "#/observed_at", "wrong-form"),
        (written(observed_at="2026-02-30T00:00:00Z"), "#/observed_at", "no-such-time"),
        (
            written(observed_at="2027-01-01T00:00:00Z"),
            f"#/facts/{GROSS}",
            "observed-in-future",
        ),
    ],
)
def test_a_wrong_document_is_told_its_place_and_nothing_of_it(
    busy_source: Source, body: bytes, pointer: str, reason: str
) -> None:
    answer = busy_source.put(body)
    assert answer.status == 422
    assert content(answer) == {
        "type": "/problems/deposit-not-valid",
        "title": "The document was not taken",
        "status": 422,
        "errors": [{"pointer": pointer, "reason": reason}],
    }


@pytest.mark.parametrize(
    ("code", "reason"), [(STRANGER, "unknown-person"), ("150688-9552", "wrong-form")]
)
def test_nobody_is_taken_in_unless_the_settings_say_so(
    busy_source: Source, code: str, reason: str
) -> None:
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": code}
    answer = busy_source.put(written(subject=subject))
    assert content(answer)["errors"] == [{"pointer": "#/subject/id", "reason": reason}]
    assert code not in answer.body.decode()


def test_by_the_settings_a_deposit_brings_somebody_in(office: Office) -> None:
    settings = office.runtime.settings.model_copy(update={"deposits_enrol": True})
    runtime = replace(office.runtime, settings=settings)
    source = Source(
        replace(office, runtime=runtime, server=replace(office.server, runtime=runtime))
    )
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": STRANGER}
    assert source.put(written(subject=subject)).status == 201
    assert deposited(office)[-1].subject not in {None, office.person}


def test_each_refusal_is_recorded_without_the_person(source: Source) -> None:
    source.put(written(value="401234"))
    source.put(media_type=None)
    source.put(key=None)
    events = source.office.events(Kind.DEPOSIT_REFUSED)
    assert refusals(source.office) == ["wrong-value-type", "media-type", "idempotency-key-missing"]
    assert all(each.subject is None and each.get("token") for each in events)


def test_a_data_set_that_the_token_is_not_for_is_refused(source: Source) -> None:
    answer = source.put(dataset="residence")
    assert answer.status == 403
    assert refusals(source.office) == ["dataset-of-another-source"]


def test_the_address_and_the_document_must_agree(source: Source) -> None:
    population = Source(source.office, organisation="dvv")
    token = population.token(datatypes=["person", "residence"])
    answer = population.put(token=token, dataset="residence")
    assert content(answer)["errors"] == [{"pointer": "#/dataset", "reason": "not-of-the-address"}]


def test_a_token_ends(source: Source) -> None:
    token = source.token()
    source.office.clock.advance(seconds=300)
    answer = source.put(token=token)
    assert answer.status == 401
    assert refusals(source.office) == ["token-ended"]


def test_a_suspended_source_hands_in_nothing(source: Source) -> None:
    token = source.token()
    with begin(source.office.runtime.ledger, actor=SYSTEM, now=source.office.clock()) as uow:
        suspend_client(uow, ClientId("tax-admin-1"))
    assert source.put(token=token).status == 401
    assert refusals(source.office) == ["client-suspended"]


def test_a_source_ends_its_own_token(source: Source) -> None:
    token = source.token()
    ended = source.office.send(source.program.form("/oauth/revoke", {"token": token}))
    assert ended.status == 200
    assert source.put(token=token).status == 401
    (event,) = source.office.events(Kind.TOKEN_REVOKED)
    assert event.get("client") == "tax-admin-1"


def test_a_stolen_token_without_its_key_hands_in_nothing(source: Source) -> None:
    token = source.token()
    source.program.dpop_key = new_key("ES256")
    assert source.put(token=token).status == 401
    assert refusals(source.office) == ["proof-key-differs"]


def test_a_token_to_read_does_not_write_and_one_to_write_does_not_read(source: Source) -> None:
    reads = content(source.office.by_law())["access_token"]
    path = "/api/v1/deposits/income"
    proof = source.office.authority.proof("PUT", path, access_token=reads)
    headers = [(b"authorization", f"DPoP {reads}".encode()), (b"dpop", proof.encode())]
    assert source.send(Call("PUT", path, headers, b"", written())).status == 401
    writes = source.token()
    read = source.program.get("/api/v1/data/income", writes)
    assert source.office.send(read).status == 401


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"datatypes": ["residence"]}, "datatypes: of-another-source"),
        ({"datatypes": ["income", "residence"]}, "datatypes: of-another-source"),
        ({"datatypes": []}, "datatypes: wrong-number"),
        ({"datatypes": ["income", "income"]}, "datatypes: doubled"),
        ({"datatypes": "income"}, "datatypes: not-a-list-of-strings"),
        ({"subject": {"format": "opaque", "id": "x"}}, "authorization_details: unknown-member"),
    ],
)
def test_a_token_is_given_for_what_the_source_keeps_only(
    busy_source: Source, details: dict[str, Any], told: str
) -> None:
    answer = busy_source.ask(**details)
    assert answer.status == 400
    assert content(answer)["error"] == "invalid_authorization_details"
    assert told in content(answer)["error_description"]


def test_who_is_registered_to_read_gets_no_token_to_deposit(office: Office) -> None:
    source = Source(office, authorization_details_types=None)
    assert content(source.ask())["error"] == "invalid_authorization_details"


def test_who_is_registered_to_deposit_gets_nothing_by_law(office: Office) -> None:
    source = Source(office, organisation="kanta-services")
    source.program.client_id = "kanta-services-1"
    law = office.authority.form("/oauth/token", {"grant_type": "client_credentials"})
    assert office.send(law).status == 400
    asked = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([{"type": "personal_data"}]),
    }
    assert office.send(source.program.form("/oauth/token", asked)).status == 400


def test_only_its_own_client_learns_what_a_token_is(source: Source) -> None:
    token = source.token()
    form = source.program.form("/oauth/introspect", {"token": token}, proofs=[])
    told = content(source.office.send(form))
    assert told["active"] is True
    assert told["authorization_details"] == [DETAILS]
    assert told["iss"] == ISSUER
    assert "sub" not in told
    other = source.office.program.form("/oauth/introspect", {"token": token}, proofs=[])
    assert content(source.office.send(other)) == {"active": False}
    unknown = source.program.form("/oauth/introspect", {"token": str(uuid4())}, proofs=[])
    assert content(source.office.send(unknown)) == {"active": False}


def joint(*others: str, value: int = 3) -> bytes:
    """A document whose only fact is about these people too."""
    named = [
        {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": each} for each in others
    ]
    return written(facts={GROSS: {"value": value, "also_about": named}})


def test_a_value_about_several_people_needs_them_to_be_known(each_source: Source) -> None:
    office = each_source.office
    unknown = each_source.put(joint(PERSON, STRANGER))
    assert content(unknown)["errors"] == [
        {"pointer": f"#/facts/{GROSS}/also_about/1/id", "reason": "unknown-other"}
    ]
    assert STRANGER not in unknown.body.decode()
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        other = enrol(uow, office.runtime.vault, scheme="urn:oid:1.2.246.21", identifier=STRANGER)
    assert each_source.put(joint(PERSON, STRANGER), key="second").status == 201
    with begin(office.runtime.ledger, actor=Actor.person(office.person), now=office.clock()) as uow:
        permit = decide_self_access(uow, office.person, [AttributeId(GROSS)])
        (fact,) = release(uow, office.runtime.vault, permit).facts
    assert fact.also_about == {other}
    assert STRANGER not in json.dumps([e.fields for e in office.events(Kind.DATA_DEPOSITED)])


def test_a_joint_value_goes_out_by_consent_only_when_all_have_said_yes(office: Office) -> None:
    source = Source(office)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        enrol(uow, office.runtime.vault, scheme="urn:oid:1.2.246.21", identifier=STRANGER)
    assert source.put(joint(STRANGER, value=999)).status == 201
    answer = content(office.fetch(office.tokens()["access_token"]))
    assert "999" not in json.dumps(answer)
    assert held(office) == 999


def signed(source: Source, **header: object) -> bytes:
    """The office's document, signed by the source's key."""
    body = json.loads(written())
    payload = canonical_json(body)
    members = {"typ": "deposit+jws", "kid": "key-1"} | header
    jws = jwt.PyJWS().encode(payload, source.program.key, algorithm="ES256", headers=members)
    head, _, seal = jws.split(".")
    return json.dumps(body | {"signature": f"{head}..{seal}"}).encode()


def test_the_signature_of_a_source_is_kept_as_evidence(each_source: Source) -> None:
    office, body = each_source.office, signed(each_source)
    assert each_source.put(body).status == 201
    with begin(office.runtime.ledger, actor=Actor.person(office.person), now=office.clock()) as uow:
        permit = decide_self_access(uow, office.person, [AttributeId(GROSS)])
        (fact,) = release(uow, office.runtime.vault, permit).facts
    assert fact.evidence is not None
    assert fact.evidence.signature == json.loads(body)["signature"]
    assert fact.evidence.digest == hashlib.sha256(body).digest()


def test_a_document_that_was_changed_after_its_signature_is_refused(source: Source) -> None:
    body = json.loads(signed(source)) | {"observed_at": "2026-11-23T07:30:01Z"}
    answer = source.put(json.dumps(body).encode())
    assert answer.status == 422
    assert content(answer)["errors"] == [{"pointer": "#/signature", "reason": "signature-wrong"}]
    assert refusals(source.office) == ["signature-wrong"]
    assert deposited(source.office) == []


def test_no_answer_and_no_event_names_the_person(source: Source) -> None:
    answers = [source.put(), source.put(), source.put(written(value="x"), key="other")]
    for answer in answers:
        assert PERSON not in answer.body.decode()
        assert str(source.office.person) not in answer.body.decode()
    told = [each.fields for kind in Kind for each in source.office.events(kind)]
    assert PERSON not in json.dumps(told)

"""An event with its proof as one document: what it shows holds, and nothing changed in it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from audit.disclosure import disclose, leaf
from audit.event_proof import EventProof, EventProofError, verify_entry, verify_event_proof
from audit.faults import BundleError, Fault
from audit.proofs import inclusion, proof_text
from audit.reader import disclosures
from audit.sequencer import Sequencer
from audit.trust import Trust
from audit.unit_of_work import Ledger
from audit.verify_event import entry_of
from tests.audit.sample import NOW, record, signer, signers

TRUST = Trust.of(signer().vkey)


@pytest.fixture(scope="module")
def document() -> EventProof:
    """The second of three events, with two of its fields."""
    from tempfile import TemporaryDirectory

    from audit.database import open_engine
    from audit.store import metadata
    from tests.wrapping import MemoryWrapper

    with TemporaryDirectory() as folder:
        ledger = Ledger(open_engine(f"sqlite:///{folder}/log.db"), MemoryWrapper())
        metadata.create_all(ledger.engine)
        event_id = record(ledger, 3)[1]
        Sequencer(ledger, signers()).run_once(NOW)
        with ledger.read() as connection:
            shown = disclosures(connection, ledger, event_id)
            proof = inclusion(connection, ledger, event_id)
        ledger.engine.dispose()
    assert shown is not None
    assert proof is not None
    digests = tuple(shown.digests)
    return EventProof(
        event_id=event_id,
        log=proof.log,
        digests=digests,
        disclosures=tuple(shown.disclosures[:2]),
        entry=entry_of(event_id, digests).decode(),
        proof=proof_text(proof),
    )


def replaced(document: EventProof, **members: Any) -> EventProof:
    kept = {name: getattr(document, name) for name in EventProof.__slots__}
    return EventProof(**(kept | members))


def fault(document: EventProof, trust: Trust = TRUST) -> Fault:
    with pytest.raises(BundleError) as error:
        verify_event_proof(document, trust, file="proof.json")
    assert error.value.file == "proof.json"
    return error.value.fault


def test_it_proves_the_event_and_the_fields_that_it_opens(document: EventProof) -> None:
    proven = verify_event_proof(EventProof.parse(str(document)), TRUST, file="proof.json")
    assert (proven.event_id, proven.index) == (document.event_id, 1)
    assert proven.fields == {"kind": "data.viewed", "at": "2026-11-24T09:00:00.000000+00:00"}
    assert proven.signed.checkpoint.size == 3


def test_it_proves_the_event_without_opening_anything(document: EventProof) -> None:
    closed = replaced(document, disclosures=())
    assert verify_event_proof(closed, TRUST, file="proof.json").fields == {}


def test_it_has_the_members_of_its_format(document: EventProof) -> None:
    members = json.loads(str(document))
    names = ["format", "event_id", "log", "digests", "disclosures", "entry", "proof"]
    assert list(members) == names
    assert members["format"] == "consent-vault/event-proof/v1"
    assert members["event_id"] == str(document.event_id)
    assert len(members["digests"]) == 24


def test_how_it_is_set_out_makes_no_difference(document: EventProof) -> None:
    assert EventProof.parse(json.dumps(json.loads(str(document)))) == document


def other_digest(document: EventProof) -> EventProof:
    return replaced(document, digests=(*document.digests[:-1], bytes(32)))


def other_id(document: EventProof) -> EventProof:
    return replaced(document, event_id=type(document.event_id)(int=1))


def other_entry(document: EventProof) -> EventProof:
    return replaced(document, entry=leaf(bytes(32)).decode())


def fewer_digests(document: EventProof) -> EventProof:
    return replaced(document, digests=document.digests[1:])


def invented(document: EventProof) -> EventProof:
    (more,) = disclose({"reason": "none"}).values()
    return replaced(document, disclosures=(*document.disclosures, more))


def other_log(document: EventProof) -> EventProof:
    return replaced(document, log="2027h1")


def other_index(document: EventProof) -> EventProof:
    return replaced(document, proof=document.proof.replace("index 1", "index 2"))


def no_proof(document: EventProof) -> EventProof:
    return replaced(document, proof="c2sp.org/tlog-proof@v1\nindex 1\n")


def unsigned(document: EventProof) -> EventProof:
    return replaced(document, proof=document.proof.replace("\n3\n", "\n4\n"))


FORGED: list[tuple[Callable[[EventProof], EventProof], Fault]] = [
    (other_digest, Fault.COMMITMENT),
    (other_id, Fault.COMMITMENT),
    (other_entry, Fault.COMMITMENT),
    (fewer_digests, Fault.DIGESTS),
    (invented, Fault.DISCLOSURE),
    (other_log, Fault.OTHER_LOG),
    (other_index, Fault.PROOF),
    (no_proof, Fault.PROOF_FORM),
    (unsigned, Fault.CHECKPOINT_SIGNATURE),
]


@pytest.mark.parametrize(("forge", "found"), FORGED)
def test_what_was_changed_in_it_is_named(
    document: EventProof, forge: Callable[[EventProof], EventProof], found: Fault
) -> None:
    assert fault(forge(document)) is found


def test_another_key_does_not_vouch_for_it(document: EventProof) -> None:
    assert fault(document, Trust.of(signer(2).vkey)) is Fault.CHECKPOINT_SIGNATURE


def test_an_entry_of_another_event_is_not_proven(document: EventProof) -> None:
    with pytest.raises(BundleError) as error:
        verify_entry(document.proof, b"something else", TRUST, file="x.tlog-proof")
    assert (error.value.fault, error.value.entry) == (Fault.PROOF, 1)


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda _members: [],
    "another format": lambda members: members | {"format": "x"},
    "a member more": lambda members: members | {"more": 1},
    "a member less": lambda members: {k: v for k, v in members.items() if k != "entry"},
    "a number": lambda members: members | {"log": 7},
    "no list": lambda members: members | {"digests": "x"},
    "a list of numbers": lambda members: members | {"disclosures": [1]},
    "no id": lambda members: members | {"event_id": "x"},
    "an id in capitals": lambda members: members | {"event_id": members["event_id"].upper()},
    "no base64": lambda members: members | {"digests": ["!"]},
    "base64 with a bit of its own": lambda members: (
        members | {"digests": ["A" * 42 + "B=", *members["digests"][1:]]}
    ),
    "half a character in the entry": lambda members: members | {"entry": "\ud800"},
    "half a character in the proof": lambda members: (
        members | {"proof": members["proof"] + "\ud800"}
    ),
}


@pytest.mark.parametrize("how", MALFORMED.values(), ids=MALFORMED)
def test_another_document_is_refused(
    document: EventProof, how: Callable[[dict[str, Any]], Any]
) -> None:
    with pytest.raises(EventProofError):
        EventProof.parse(json.dumps(how(json.loads(str(document)))))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": 1, "a": 1}', " " * 1_000_001])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(EventProofError):
        EventProof.parse(text)


def test_it_is_set_out_for_people_and_in_their_letters(document: EventProof) -> None:
    text = str(replaced(document, log="ä"))
    assert text.splitlines()[:2] == ["{", '  "format": "consent-vault/event-proof/v1",']
    assert '  "log": "ä",' in text.splitlines()
    assert text.endswith("\n}\n")


def test_it_may_be_as_long_as_a_million_characters_and_no_longer(document: EventProof) -> None:
    longest = str(document).ljust(1_000_000)
    assert EventProof.parse(longest) == document
    with pytest.raises(EventProofError, match="too long"):
        EventProof.parse(f"{longest} ")


def test_a_member_that_stands_twice_is_refused_though_both_say_the_same(
    document: EventProof,
) -> None:
    text = str(document)
    again = text.replace("{", f'{{"log": "{document.log}",', 1)
    assert json.loads(again) == json.loads(text)
    with pytest.raises(EventProofError, match="each member once"):
        EventProof.parse(again)

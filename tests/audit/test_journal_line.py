"""Lines of the journal: one spelling, a MAC each, and no place for anything personal."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.journal_line import (
    FIRST,
    LONGEST,
    JournalEntry,
    JournalLine,
    JournalLineError,
    Told,
    client_keys_replaced,
    client_suspended,
    consent_narrowed,
    consent_over,
    consent_paused,
    dataset_erased,
    declaration_stepped,
    dispute_settled,
    log_forgotten,
    people_merged,
    person_erased,
    role_revoked,
    value_disputed,
)
from policies.ids import ClientId, ConsentId, DisputeId, PersonId, RecordId

KEY = bytes(range(32))
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ERASURE = UUID("11111111-2222-4333-8444-555555555555")
PERSON = PersonId(UUID("66666666-7777-4888-9999-aaaaaaaaaaaa"))
CONSENT = ConsentId(UUID("bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"))
ENTRY = person_erased(ERASURE, PERSON, at=AT)

people = st.uuids().map(PersonId)
digests = st.binary(min_size=32, max_size=32)
times = st.datetimes(timezones=st.just(UTC))
entries = st.one_of(
    st.builds(person_erased, st.uuids(), people, at=st.just(AT)),
    st.builds(dataset_erased, st.uuids(), people, digests, at=times),
    st.builds(consent_over, st.uuids().map(ConsentId), withdrawn=st.booleans(), at=times),
    st.builds(consent_paused, st.uuids().map(ConsentId), st.integers(0, 255), at=times),
    st.builds(consent_narrowed, st.uuids().map(ConsentId), st.integers(0, 1 << 60), at=times),
    st.builds(log_forgotten, people, at=times),
    st.builds(people_merged, people, people, at=times),
    st.builds(
        value_disputed,
        st.uuids().map(DisputeId),
        people,
        st.uuids().map(RecordId),
        digests,
        at=times,
    ),
    st.builds(dispute_settled, st.uuids().map(DisputeId), people, digests, at=times),
    st.builds(client_suspended, st.text(min_size=1).map(ClientId), at=times),
    st.builds(
        client_keys_replaced,
        st.text(min_size=1).map(ClientId),
        digests.map(bytes.hex),
        at=times,
    ),
    st.builds(
        declaration_stepped,
        st.sampled_from(
            [Told.DECLARATION_SUSPENDED, Told.DECLARATION_RESUMED, Told.DECLARATION_RETIRED]
        ),
        st.text(min_size=1),
        at=times,
    ),
    st.builds(role_revoked, people, st.sampled_from(["auditor", "operator"]), at=times),
)


def test_a_line_is_written_as_it_always_was() -> None:
    line = JournalLine.after(None, ENTRY, KEY)
    assert bytes(line).decode() == (
        "consent-vault-journal/1 1 2026-11-24T09:00:00.000000+00:00 person-erased"
        f" {ERASURE} {PERSON} {'0' * 64}"
        " 40b56cc942f6449adf1705ae12f7bbd3987b8cb4ba245248877263c1b7e18e11\n"
    )


@given(entries)
def test_what_is_written_is_read_again(entry: JournalEntry) -> None:
    first = JournalLine.after(None, entry, KEY)
    second = JournalLine.after(first, entry, KEY)
    assert len(bytes(second)) <= LONGEST
    for line in (first, second):
        assert JournalLine.parse(bytes(line), KEY) == line
    assert JournalEntry.parse(str(entry)) == entry
    assert first.follows(None)
    assert second.follows(first)
    assert not second.follows(None)
    assert not first.follows(first)


@given(entries, st.data())
def test_a_changed_bit_is_found(entry: JournalEntry, data: st.DataObject) -> None:
    line = bytearray(bytes(JournalLine.after(None, entry, KEY)))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(JournalLineError):
        JournalLine.parse(bytes(line), KEY)


@pytest.mark.parametrize("cut", [0, 1, 64, -1])
def test_a_line_that_is_not_whole_is_none(cut: int) -> None:
    with pytest.raises(JournalLineError):
        JournalLine.parse(bytes(JournalLine.after(None, ENTRY, KEY))[:cut], KEY)


def test_a_line_under_another_key_is_none() -> None:
    with pytest.raises(JournalLineError):
        JournalLine.parse(bytes(JournalLine.after(None, ENTRY, KEY)), bytes(32))


def test_a_line_put_elsewhere_does_not_follow() -> None:
    first = JournalLine.after(None, ENTRY, KEY)
    second = JournalLine.after(first, ENTRY, KEY)
    third = JournalLine.after(second, ENTRY, KEY)
    assert not third.follows(first)
    assert not replace(second, previous=FIRST).follows(first)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T09:00:00.000000+00:00 person-renamed 1 2",
        "yesterday person-erased 1 2",
        f"2026-11-24T09:00:00.000000+00:00 person-erased {ERASURE} 010199-9012",
        f"2026-11-24T09:00:00.000000+00:00 person-erased {ERASURE}",
        f"2026-11-24T09:00:00.000000+00:00 person-erased {ERASURE} {PERSON} Aino",
        f"2026-11-24T09:00:00.000000+00:00 dataset-erased {ERASURE} {PERSON} glucose",
        f"2026-11-24T09:00:00.000000+00:00 consent-ended {CONSENT} 2",
        f"2026-11-24T09:00:00+00:00 consent-ended {CONSENT}",
        f"2026-11-24T09:00:00.000000+00:00  consent-ended {CONSENT}",
        f"2026-11-24T09:00:00.000000+00:00 people-merged {PERSON}",
        f"2026-11-24T09:00:00.000000+00:00 value-disputed {ERASURE} {PERSON} {CONSENT} wrong",
        f"2026-11-24T09:00:00.000000+00:00 dispute-settled {ERASURE} {PERSON} corrected",
        "2026-11-24T09:00:00.000000+00:00 client-suspended bank",
        "2026-11-24T09:00:00.000000+00:00 declaration-suspended purpose:loan@1",
        f"2026-11-24T09:00:00.000000+00:00 client-keys-replaced {'a' * 64}",
        f"2026-11-24T09:00:00.000000+00:00 role-revoked {PERSON} operator",
        "",
    ],
)
def test_an_entry_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(JournalLineError):
        JournalEntry.parse(text)


def test_nothing_personal_fits_into_an_entry() -> None:
    for what in Told:
        with pytest.raises(JournalLineError):
            JournalEntry(what, AT, ("Aino Esimerkki", "010199-9012"))


def test_the_end_of_a_consent_says_whether_the_person_withdrew() -> None:
    told = {w: consent_over(CONSENT, withdrawn=w, at=AT) for w in (True, False)}
    assert told[True].what is Told.CONSENT_WITHDRAWN
    assert told[False].what is Told.CONSENT_ENDED
    assert told[True].id_at(0) == CONSENT

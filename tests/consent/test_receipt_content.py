"""What a receipt says, read as values; one of a future version is refused, not guessed at."""

from typing import Any

import pytest

from consent.model import Status
from consent.receipt_content import content_of
from consent.receipt_jws import ReceiptError, unverified_payload
from policies.vocabulary import LegalBasis
from tests.consent.exchange.examples import sources
from tests.consent.flow import NOW


def payload(name: str = "withdrawn") -> dict[str, Any]:
    return unverified_payload(sources()[name].jws)


def test_it_is_read_whole() -> None:
    content = content_of(payload())
    assert (content.version, content.status, content.basis) == (2, "withdrawn", LegalBasis.CONSENT)
    assert content.refused == ("income.yearly_total",)
    assert content.given_at == NOW
    assert content.was_given
    assert content.is_consent
    assert content.previous_record is not None


def test_a_refusal_has_given_nothing_and_says_when() -> None:
    content = content_of(payload("refused"))
    assert (content.was_given, content.granted) == (False, ())
    assert content.given_at == NOW
    assert content.status is Status.REFUSED


def test_another_ground_is_no_consent() -> None:
    assert not content_of(payload("permission")).is_consent


def test_a_receipt_from_before_it_named_the_one_before_it_is_read_as_well() -> None:
    old = payload()
    del old["previous_receipt"], old["policy_set_hash"]
    assert content_of(old).previous_receipt is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("record", "events"), []),
        (("record", "events", 0, "event_state"), "approved"),
        (("record", "processing", "purposes"), []),
        (("record", "processing", "language"), "de"),
        (("record", "parties"), []),
        (("record", "header", "record_id"), "1"),
        (("record_hash",), "md5:00"),
        (("iat",), "now"),
        (("how_to_withdraw",), []),
        (("record",), "record"),
    ],
)
def test_what_is_not_of_this_version_is_refused(place: tuple[Any, ...], value: object) -> None:
    changed = payload()
    inside: Any = changed
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    with pytest.raises(ReceiptError, match="content"):
        content_of(changed)

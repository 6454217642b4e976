"""Words for codes: what stands in a person's log is explained to her."""

import pytest

from policies.vocabulary import Language
from service.oauth.errors import Reason
from service.refusal_limit import COUNTED, TOO_MANY
from service.words import reason_for_person, reasons

OF_PROOFS = [each for each in Reason if each.startswith("proof-")]
OF_REQUESTS = [
    f"request-{each}" for each in ("unknown", "expired", "of-another-person", "client-suspended")
]


@pytest.mark.parametrize(
    "code", [*OF_PROOFS, *OF_REQUESTS, "unknown-dataset", "not-in-log", TOO_MANY, COUNTED]
)
def test_every_refusal_that_a_person_may_read_has_words(code: str) -> None:
    message = reasons()[reason_for_person(code)]
    for language in Language:
        assert message.name.in_language(language)


def test_other_codes_stay_what_they_are() -> None:
    assert reason_for_person("withdrawn") == "withdrawn"

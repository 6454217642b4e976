"""The bytes of the data API's answers: made from released facts straight into JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime

from consent.authorization_details import format_instant
from consent.tokens import TokenAccess
from policies.facts import Fact
from policies.ids import AttributeId
from policies.vocabulary import AuthorityRank, Label
from service.exchange import NO_STORE, Answer
from vault.model import Released

EVENT_HEADER = b"consent-vault-event"
_SHOWN = (Label.DISPUTED, Label.RESTRICTED)
"""Marks that a recipient must heed. The others are about the person: that somebody is protected is
told to nobody."""
_RANKS = {rank: rank.name.lower().replace("_", "-") for rank in AuthorityRank}


def values_answer(
    dataset: str, subject: str, wanted: tuple[AttributeId, ...], released: Released
) -> Answer:
    """The values with where they come from. Call it only after the commit.

    What is withheld for a protected person looks exactly like what is not held, since a recipient
    must not learn that there is something to protect. So the member's name fits both: "not held"
    would be untrue of the first.
    """
    values = {fact.attribute: _value(fact) for fact in released.facts}
    content = {
        "dataset": dataset,
        "subject": subject,
        "attributes": values,
        "not_given": [each for each in wanted if each not in values],
    }
    event = (EVENT_HEADER, str(released.event_id).encode())
    return Answer.json(content, headers=(NO_STORE, event))


def overview_answer(
    found: TokenAccess, subject: str, datasets: Mapping[str, tuple[AttributeId, ...]]
) -> Answer:
    """What the token opens: data sets with attribute names, purpose and end."""
    granted = set(found.attributes)
    content: dict[str, object] = {
        "subject": subject,
        "purpose": found.purpose,
        "basis": found.basis.value,
        "expires_at": format_instant(found.expires_at.replace(microsecond=0)),
        "datasets": {
            dataset: [each for each in attributes if each in granted]
            for dataset, attributes in datasets.items()
            if not granted.isdisjoint(attributes)
        },
    }
    return Answer.json(content | ({"case": found.case} if found.case else {}))


def _value(fact: Fact) -> dict[str, object]:
    """The value with where it comes from, and whether somebody says that it is not so."""
    marks = {label.value: True for label in _SHOWN if label in fact.labels}
    return marks | {
        "value": fact.value,
        "source": fact.source,
        "authority": _RANKS[fact.authority],
        "observed_at": _instant(fact.observed_at),
        "valid_to": fact.valid_to,
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

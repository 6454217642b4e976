"""A question as Cedar takes it: request and entities, in one document with one digest.

The document is what a replay decides again, here or in any other Cedar engine: `request` and
`entities` are in the forms of Cedar's own command line. Sets stand sorted, so that the same
question is the same bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.canonical import canonical_json, sha256_hex
from policies.catalogue import Catalogue
from policies.ids import DatasetId
from policies.questions import (
    PRESENT,
    DeclarationFacts,
    GrantFacts,
    Question,
    TokenFacts,
)
from policies.vocabulary import Label

SPECIAL = "art9"
"""Category of what GDPR article 9 protects."""


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the catalogue says of a data set."""

    attributes: tuple[str, ...] = ()
    min_loa: int = 0
    special: bool = False


UNKNOWN_DATA = DataFacts()
"""Of a data set that the catalogue does not hold: nothing is in it, so nothing of it is given."""


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """All that a decision depends on, beside the policies."""

    document: bytes
    digest: str
    request: Mapping[str, Any]
    entities: list[dict[str, Any]]

    @classmethod
    def of_document(cls, content: Mapping[str, Any]) -> "DecisionInput":
        """What was kept as this content."""
        return cls(
            document=canonical_json(content),
            digest=sha256_hex(content),
            request=content["request"],
            entities=content["entities"],
        )


def data_facts(catalogue: Catalogue) -> dict[str, DataFacts]:
    """The data sets of a catalogue."""
    return {id_: _data_facts(catalogue, id_) for id_ in catalogue.datasets}


def _data_facts(catalogue: Catalogue, id_: DatasetId) -> DataFacts:
    dataset = catalogue.dataset(id_)
    return DataFacts(
        attributes=tuple(sorted(dataset.attributes)),
        min_loa=int(dataset.min_loa),
        special=any(
            Label.ARTICLE_9 in catalogue.attribute(each).labels for each in dataset.attributes
        ),
    )


def decision_input(asked: Question, data: DataFacts) -> DecisionInput:
    """The question about this data as Cedar takes it."""
    request = {
        "action": _uid("Action", asked.action),
        "principal": _uid("Client", asked.client),
        "resource": _uid("DataSet", asked.dataset),
        "context": _context(asked),
    }
    return DecisionInput.of_document({"request": request, "entities": _entities(asked, data)})


def _uid(type_: str, id_: str) -> dict[str, str]:
    return {"type": f"Vault::{type_}", "id": id_}


def _entity(type_: str, id_: str) -> dict[str, dict[str, str]]:
    return {"__entity": _uid(type_, id_)}


def _set(ids: Iterable[str]) -> list[str]:
    return sorted(set(ids))


def _entities(asked: Question, data: DataFacts) -> list[dict[str, Any]]:
    client = {
        "uid": _uid("Client", asked.client),
        "attrs": {
            "kind": _entity("Kind", asked.kind),
            "standing": _entity("Standing", asked.standing),
        },
        "parents": [],
    }
    dataset = {
        "uid": _uid("DataSet", asked.dataset),
        "attrs": {
            "subject": _entity("Person", "subject"),
            "attributes": list(data.attributes),
            "minLoa": data.min_loa,
        },
        "parents": [_uid("Category", SPECIAL)] if data.special else [],
    }
    return [client, dataset]


def _context(asked: Question) -> dict[str, Any]:
    optional = {
        "declaration": None if asked.declaration is None else _declaration(asked.declaration),
        "grant": None if asked.grant is None else _grant(asked.grant),
        "token": None if asked.token is None else _token(asked.token),
    }
    return {
        "now": PRESENT,
        "basis": _entity("Basis", asked.basis),
        "purpose": _entity("Purpose", asked.purpose),
        "requested": _set(asked.requested),
        **_given(optional),
    }


def _declaration(facts: DeclarationFacts) -> dict[str, Any]:
    return {
        "status": _entity("Status", facts.status),
        "basis": _entity("Basis", facts.basis),
        "attributes": _set(facts.attributes),
        "requiredLoa": facts.required_loa,
        "otherWay": facts.other_way,
    }


def _grant(facts: GrantFacts) -> dict[str, Any]:
    optional = {
        "notBefore": facts.not_before,
        "notAfter": facts.not_after,
        "usesLeft": facts.uses_left,
    }
    return {
        "subject": _entity("Person", "subject" if facts.own else "another"),
        "client": _entity("Client", facts.client),
        "purpose": _entity("Purpose", facts.purpose),
        "basis": _entity("Basis", facts.basis),
        "state": _entity("State", facts.state),
        "granted": _set(facts.granted),
        **_given(optional),
    }


def _token(facts: TokenFacts) -> dict[str, Any]:
    return {
        "attributes": _set(facts.attributes),
        "issued": facts.issued,
        "expires": facts.expires,
        "revoked": facts.revoked,
    }


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    """A fact that is missing is left out: it is never given a value."""
    return {name: value for name, value in members.items() if value is not None}

"""From the content of the catalogue's data files to its entries; a fault has its place."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

from policies.business_id import InvalidBusinessIdError, check_business_id
from policies.data_files import faults_of, read_entries, read_table
from policies.entries import (
    Attribute,
    Dataset,
    Organisation,
    OrganisationKind,
    Retention,
    Source,
    ValueType,
)
from policies.ids import AttributeId, DatasetId, OrganisationId, SourceId
from policies.schemas import SchemaError, text_member
from policies.vocabulary import AuthorityRank, Label, LevelOfAssurance

_ORGANISATIONS = "organisations.toml"
_SOURCES = "sources.toml"

Content = dict[str, dict[str, Any]]
"""What the files hold, by kind and then by id."""


def read_content(folder: Traversable) -> Content:
    """The content of all files in the folder, each checked against its schema."""
    return {
        "organisations": read_table(folder, _ORGANISATIONS, "organisations"),
        "sources": read_table(folder, _SOURCES, "sources"),
        "datasets": read_entries(folder, "datasets", "dataset"),
        "purposes": read_entries(folder, "purposes", "purpose"),
    }


def organisations(content: Content) -> dict[OrganisationId, Organisation]:
    found = {}
    for id_, data in content["organisations"].items():
        with faults_of(_ORGANISATIONS, id_):
            found[OrganisationId(id_)] = _organisation(OrganisationId(id_), data)
    return found


def sources(
    content: Content, known: Mapping[OrganisationId, Organisation]
) -> dict[SourceId, Source]:
    found = {}
    for id_, data in content["sources"].items():
        with faults_of(_SOURCES, id_):
            if data["organisation"] not in known:
                raise SchemaError(("organisation",), "is not an organisation of the catalogue")
            found[SourceId(id_)] = _source(SourceId(id_), data)
    return found


def datasets(content: Content, known: Mapping[SourceId, Source]) -> dict[DatasetId, Dataset]:
    found = {}
    for id_, data in content["datasets"].items():
        with faults_of(dataset_file(id_), id_):
            if data["source"] not in known:
                raise SchemaError(("source",), "is not a source of the catalogue")
            _check_special_category(data)
            found[DatasetId(id_)] = _dataset(DatasetId(id_), data)
    return found


def attributes(content: Content) -> dict[AttributeId, Attribute]:
    found: dict[AttributeId, Attribute] = {}
    for id_, data in content["datasets"].items():
        for place, each in enumerate(data["attributes"]):
            with faults_of(dataset_file(id_), id_, "attributes", str(place)):
                attribute = _attribute(DatasetId(id_), each)
                if attribute.id in found:
                    raise SchemaError(("id",), f"{attribute.id} stands twice")
                found[attribute.id] = attribute
    return found


def dataset_file(id_: str) -> str:
    return f"datasets/{id_}.toml"


def purpose_file(id_: str) -> str:
    return f"purposes/{id_}.toml"


def _organisation(id_: OrganisationId, data: Mapping[str, Any]) -> Organisation:
    try:
        check_business_id(data["business_id"])
    except InvalidBusinessIdError as error:
        raise SchemaError(("business_id",), str(error)) from error
    return Organisation(
        id=id_,
        name=text_member(data, "name"),
        business_id=data["business_id"],
        kind=OrganisationKind(data["kind"]),
        contact=data["contact"],
        privacy_url=data["privacy_url"],
    )


def _source(id_: SourceId, data: Mapping[str, Any]) -> Source:
    return Source(
        id=id_,
        name=text_member(data, "name"),
        organisation=OrganisationId(data["organisation"]),
        authority=AuthorityRank[data["authority"].upper()],
    )


def _dataset(id_: DatasetId, data: Mapping[str, Any]) -> Dataset:
    return Dataset(
        id=id_,
        name=text_member(data, "name"),
        description=text_member(data, "description"),
        attributes=tuple(AttributeId(each["id"]) for each in data["attributes"]),
        source=SourceId(data["source"]),
        min_loa=LevelOfAssurance[data["min_loa"].upper()],
        max_validity_days=data["max_validity_days"],
        retention=_retention(data["retention"]),
    )


def _retention(data: Mapping[str, Any]) -> Retention:
    law = text_member(data, "law", within=("retention",)) if "law" in data else None
    return Retention(data["days"], data["history_days"], law)


def _check_special_category(data: Mapping[str, Any]) -> None:
    """Special categories of data (GDPR article 9) are released at the high level only."""
    labels = {label for each in data["attributes"] for label in each.get("labels", ())}
    if Label.ARTICLE_9 in labels and data["min_loa"] != LevelOfAssurance.HIGH.name.lower():
        raise SchemaError(("min_loa",), "is not high, and the data is of a special category")


def _attribute(dataset: DatasetId, data: Mapping[str, Any]) -> Attribute:
    if not data["id"].startswith(f"{dataset}."):
        raise SchemaError(("id",), f"{data['id']} is outside the data set")
    return Attribute(
        id=AttributeId(data["id"]),
        dataset=dataset,
        name=text_member(data, "name"),
        description=text_member(data, "description"),
        type=ValueType(data["type"]),
        unit=data.get("unit"),
        decimals=data.get("decimals", 0),
        sensitive=data["sensitive"],
        contact=data.get("contact", False),
        labels=frozenset(Label(label) for label in data.get("labels", ())),
        dpv=data["dpv"],
    )

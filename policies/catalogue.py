"""The catalogue: every data set, attribute, source, organisation and purpose, from data files.

Loading is strict. A file with an unknown member, a text that lacks a language or an id that
points nowhere stops the start with a CatalogueError that names file, entry and member.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TypeVar

from policies import catalogue_files
from policies.canonical import sha256_hex
from policies.data_files import DATA, CatalogueError
from policies.entries import (
    Attribute,
    Dataset,
    Organisation,
    OrganisationKind,
    Source,
    UnknownCatalogueEntryError,
    ValueType,
)
from policies.ids import AttributeId, DatasetId, OrganisationId, PurposeId, SourceId
from policies.purposes import DeclarationError, PurposeDeclaration, check_declaration

__all__ = [
    "Attribute",
    "Catalogue",
    "CatalogueError",
    "Dataset",
    "Organisation",
    "OrganisationKind",
    "Source",
    "UnknownCatalogueEntryError",
    "ValueType",
    "load_catalogue",
]

_Id = TypeVar("_Id", bound=str)
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by id, in the order of their files; an id never changes its meaning."""

    datasets: Mapping[DatasetId, Dataset]
    attributes: Mapping[AttributeId, Attribute]
    sources: Mapping[SourceId, Source]
    organisations: Mapping[OrganisationId, Organisation]
    purposes: Mapping[PurposeId, PurposeDeclaration]
    digest: str
    """SHA-256 over the canonical JSON of the files' content, in lower-case hexadecimal."""

    def attribute(self, id_: AttributeId) -> Attribute:
        return _entry(self.attributes, "attribute", id_)

    def dataset(self, id_: DatasetId) -> Dataset:
        return _entry(self.datasets, "data set", id_)

    def source(self, id_: SourceId) -> Source:
        return _entry(self.sources, "source", id_)

    def organisation(self, id_: OrganisationId) -> Organisation:
        return _entry(self.organisations, "organisation", id_)

    def purpose(self, id_: PurposeId) -> PurposeDeclaration:
        return _entry(self.purposes, "purpose", id_)

    def dataset_of(self, attribute: AttributeId) -> Dataset:
        return self.dataset(self.attribute(attribute).dataset)


def load_catalogue(folder: Traversable = DATA) -> Catalogue:
    """The catalogue in the folder; CatalogueError at the first fault."""
    content = catalogue_files.read_content(folder)
    organisations = catalogue_files.organisations(content)
    sources = catalogue_files.sources(content, organisations)
    catalogue = Catalogue(
        datasets=MappingProxyType(catalogue_files.datasets(content, sources)),
        attributes=MappingProxyType(catalogue_files.attributes(content)),
        sources=MappingProxyType(sources),
        organisations=MappingProxyType(organisations),
        purposes=MappingProxyType({}),
        digest=sha256_hex(content),
    )
    purposes = _purposes(content, catalogue)
    return replace(catalogue, purposes=MappingProxyType(purposes))


def _purposes(
    content: catalogue_files.Content, catalogue: Catalogue
) -> dict[PurposeId, PurposeDeclaration]:
    found = {}
    for id_, data in content["purposes"].items():
        try:
            declaration = PurposeDeclaration.from_json(data)
            check_declaration(declaration, catalogue)
        except DeclarationError as error:
            file = catalogue_files.purpose_file(id_)
            raise CatalogueError(file, id_, error.field, error.reason) from error
        found[declaration.id] = declaration
    return found


def _entry(entries: Mapping[_Id, _Entry], kind: str, id_: _Id) -> _Entry:
    try:
        return entries[id_]
    except KeyError as error:
        raise UnknownCatalogueEntryError(kind, id_) from error

"""What a register of processing says of a recipient beside its notices (GDPR article 30(1)).

Where it is found by post: a member that ISO/IEC TS 27560:2023 asks for, and not part of what
anybody agrees to, so that a new address makes no new notice. And in which countries it keeps what
it receives, and for how long, of declarations from before they said so themselves
(`purpose_terms`). What nobody has declared is left open, and never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from policies.data_files import DATA, read_table
from policies.ids import OrganisationId, PurposeId

FILE = "processing.toml"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Where an organisation is, and where it keeps what it receives."""

    address: str
    storage_locations: tuple[str, ...]
    """Countries (ISO 3166-1 alpha-2)."""


@dataclass(frozen=True, slots=True)
class ProcessingRegister:
    """The register of this installation."""

    organisations: Mapping[OrganisationId, Keeper]
    purposes: Mapping[PurposeId, str]
    """How long the data is kept after the matter (ISO 8601 duration)."""


@cache
def processing_register() -> ProcessingRegister:
    """The one of this installation's data files. Raises CatalogueError."""
    return load_processing_register()


def load_processing_register(folder: Traversable = DATA) -> ProcessingRegister:
    """The one of the folder. Raises CatalogueError."""
    data = read_table(folder, FILE, "processing")
    return ProcessingRegister(
        {
            OrganisationId(id_): Keeper(each["address"], tuple(each["storage_locations"]))
            for id_, each in data["organisations"].items()
        },
        {PurposeId(id_): period for id_, period in data["purposes"].items()},
    )

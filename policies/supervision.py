"""Who watches over the use of personal data: where a person can complain.

GDPR articles 13(2)(d) and 77. Which authority it is depends on the country, so it is data.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from policies.data_files import DATA, faults_of, read_table
from policies.schemas import text_member
from policies.text import Text

FILE = "supervision.toml"
_ENTRY = "complaint_authority"


@dataclass(frozen=True, slots=True)
class ComplaintAuthority:
    """The authority by its name, and the address of its pages."""

    name: Text
    url: str


@cache
def complaint_authority() -> ComplaintAuthority:
    """The one of this installation's data files. Raises CatalogueError."""
    return load_complaint_authority()


def load_complaint_authority(folder: Traversable = DATA) -> ComplaintAuthority:
    """The one of the folder. Raises CatalogueError."""
    data = read_table(folder, FILE, "supervision")[_ENTRY]
    with faults_of(FILE, _ENTRY):
        return ComplaintAuthority(name=text_member(data, "name"), url=data["url"])

"""Reason codes of decisions with their texts: every denial can be explained in plain words.

The texts speak to the person concerned. A client is told less, since an explanation would make
the answer an oracle about the person.
"""

from collections.abc import Mapping
from importlib.resources.abc import Traversable

from policies.data_files import DATA
from policies.messages import Message, load_messages

PLACES = frozenset({"date", "law", "organisation", "person"})
"""The places that a reason's sentence may leave to fill."""


def load_reasons(folder: Traversable = DATA) -> Mapping[str, Message]:
    """The reasons by code; CatalogueError at the first fault."""
    return load_messages(folder, "reasons.toml", places=PLACES)

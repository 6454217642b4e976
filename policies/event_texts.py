"""What happened, in words: the texts of each kind of event (`audit.model.Kind`)."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable

from policies.data_files import DATA
from policies.messages import Message, load_messages

PLACES = frozenset({"organisation"})
"""The places that an event's sentence may leave to fill."""


def load_event_texts(folder: Traversable = DATA) -> Mapping[str, Message]:
    """The texts by kind of event; CatalogueError at the first fault."""
    return load_messages(folder, "events.toml", places=PLACES)

"""Registers to ask in the demo and in tests: they hold the invented people's documents."""

from connectors.demo_data.people import demo_documents, demo_people
from connectors.ports import SourceUnavailableError
from policies.ids import SourceId


class DemoRegister:
    """One register of the demo; satisfies `connectors.ports.DataSource`."""

    def __init__(self, source: SourceId, *, answers: bool = True) -> None:
        self.source = source
        self._answers = answers

    def fetch(self, identifier: str) -> bytes | None:
        """The document about the person with this identity code, None when there is none."""
        if not self._answers:
            raise SourceUnavailableError(self.source)
        return next(
            (
                content
                for person in demo_people()
                if person.identity_code == identifier
                for source, content in demo_documents(person)
                if source == self.source
            ),
            None,
        )

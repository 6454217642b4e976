"""What the person saw when she answered: which text, in which version and language.

It stands in the record of the consent that an event cites. The digest in the record is held
against the text that was registered under that version: if they differ, the person did not agree
to what we say she agreed to.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from consent.purposes import purpose_version
from consent.reading import record
from policies.ids import ConsentId, PurposeId


@dataclass(frozen=True, slots=True)
class Shown:
    """The text before the person's eyes. `digest` is SHA-256 in hexadecimal."""

    purpose: PurposeId
    version: int
    language: str
    digest: str
    agrees: bool
    """Whether the text that is registered under that version has the same digest."""


class ShownTexts:
    """Finds what was shown, each record and each text once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[str, Shown | None] = {}
        self._digests: dict[tuple[PurposeId, int], str | None] = {}

    def of(self, consent: str | None) -> Shown | None:
        """What stands behind `<consent id>@<version>`; None where nothing was answered yet."""
        if consent is None:
            return None
        if consent not in self._found:
            self._found[consent] = self._read(consent)
        return self._found[consent]

    def _read(self, consent: str) -> Shown | None:
        consent_id, _, version = consent.partition("@")
        found = record(self._connection, ConsentId(UUID(consent_id)), int(version))
        if found is None:
            return None
        processing = found.content["processing"]
        notice = processing["privacy_notice"]
        purpose, _, number = notice["notice_version_id"].partition("@")
        name = (PurposeId(purpose), int(number))
        digest = notice["content_hash"].removeprefix("sha256:")
        return Shown(*name, processing["language"], digest, self._registered(*name) == digest)

    def _registered(self, purpose: PurposeId, version: int) -> str | None:
        name = (purpose, version)
        if name not in self._digests:
            declared = purpose_version(self._connection, purpose, version)
            self._digests[name] = None if declared is None else declared.digest()
        return self._digests[name]

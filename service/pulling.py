"""Asking a register about one person, and keeping what it answers.

The register is asked outside any transaction: it may be slow. Its answer is read by its connector
as a whole or not at all, and all documents in it are kept in one unit of work of the source.
"""

from audit.model import Actor, ActorKind
from audit.unit_of_work import begin
from connectors.ports import IDENTITY_CODE_SCHEME, DataSource
from connectors.sources import parse
from policies.ids import EventId
from service.runtime import Runtime
from vault.deposits import deposit
from vault.people import find_person


class NobodyToAskAboutError(LookupError):
    """The vault knows nobody by this identifier; the error does not hold it."""


def pull(runtime: Runtime, register: DataSource, *, identity_code: str) -> list[EventId]:
    """The events of what the register says about the person; none when it knows nobody.

    Raises NobodyToAskAboutError, before anybody is asked, SourceUnavailableError and
    MalformedDocumentError.
    """
    with runtime.ledger.read() as connection:
        person = find_person(
            connection, runtime.vault, scheme=IDENTITY_CODE_SCHEME, identifier=identity_code
        )
    if person is None:
        raise NobodyToAskAboutError
    answer = register.fetch(identity_code)
    if answer is None:
        return []
    now = runtime.now()
    documents = parse(register.source, answer, subject=identity_code, received_at=now)
    actor = Actor(ActorKind.SOURCE, register.source)
    with begin(runtime.ledger, actor=actor, now=now) as uow:
        return [deposit(uow, runtime.vault, person, document) for document in documents]

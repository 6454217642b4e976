"""People: found by the keyed hash of an identifier, known outside by pseudonyms.

A personal identity code is never a key. It leads to a random `PersonId` through HMAC-SHA-256
under a key of its own, with the time in which it did so; the code itself lies in the vault only,
sealed, as an attribute. Towards recipients a person is known by a subject for each sector (OpenID
Connect Core 8.1), made from a random seed of the person, so that erasing the person ends the link
and no leaked salt lays open all of them.
"""

import base64
import hmac
import os
import unicodedata

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.open_epoch import hold_open
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.business_id import InvalidBusinessIdError, check_business_id
from policies.identity_code import OID, parse_identity_code
from policies.ids import DatasetId, EventId, OrganisationId, PersonId, RecordId, new_uuid
from vault.envelope import Place, seal, unseal
from vault.keys import wipe
from vault.principals import BUSINESS_SCHEME, OtherKindError, kind_of, kind_of_scheme
from vault.store import people as store
from vault.store.locks import lock_person
from vault.vault import Vault

IDENTITY_SCHEME = OID
"""The Finnish personal identity code."""

_LONGEST_IDENTIFIER = 256
_LONGEST_SCHEME = 64
_FIRST_KEY = 1
_SUBJECT_BYTES = 16


class InvalidIdentifierError(ValueError):
    """An identifier that cannot be one; the error does not hold it."""


class IdentifierTakenError(ValueError):
    """The identifier leads to another person; joining two people is a decision of its own."""


class UnknownPersonError(LookupError):
    """Nobody has this id, or the person has been erased."""

    def __init__(self, person: PersonId) -> None:
        super().__init__(f"no person {person}")
        self.person = person


def find_person(
    connection: Connection, vault: Vault, *, scheme: str, identifier: str
) -> PersonId | None:
    """To whom the identifier leads now.

    Raises InvalidIdentifierError or, for an identity code, InvalidIdentityCodeError.
    """
    return store.person_by_identifier(connection, identifier_digest(vault, scheme, identifier))


def enrol(uow: UnitOfWork, vault: Vault, *, scheme: str, identifier: str) -> PersonId:
    """The person to whom the identifier leads, made when there is none.

    Two enrolments at once give one person: who loses the claim takes the winner's. Raises as
    `find_person` does.
    """
    digest = identifier_digest(vault, scheme, identifier)
    found = store.person_by_identifier(uow.connection, digest)
    if found is not None:
        return found
    person = PersonId(new_uuid())
    turn_to(uow.connection, person)
    if _claim(uow, person, scheme=scheme, digest=digest):
        store.add_person(uow.connection, make_person(uow, vault, person), now=uow.now)
        return person
    return store.the_person_by_identifier(uow.connection, digest)


def correct_identifier(
    uow: UnitOfWork,
    vault: Vault,
    person: PersonId,
    *,
    scheme: str,
    identifier: str,
    reference: str | None = None,
) -> EventId:
    """Let another identifier of the scheme lead to the person from now on.

    The earlier one stays in the history and no longer leads anywhere. `reference` is the number of
    the message or case that tells of it. Raises IdentifierTakenError,
    UnknownPersonError and OtherKindError, and as `find_person` does.
    """
    digest = identifier_digest(vault, scheme, identifier)
    turn_to(uow.connection, person)
    if kind_of(uow.connection, person) is not kind_of_scheme(scheme):
        raise OtherKindError
    # Locked in this order everywhere: identifiers, then people (vault.store.locks).
    claimed = _claim(uow, person, scheme=scheme, digest=digest)
    if not claimed and store.person_by_identifier(uow.connection, digest) != person:
        raise IdentifierTakenError
    if lock_person(uow.connection, person) is None:
        raise UnknownPersonError(person)
    store.close_identifiers(uow.connection, person, scheme=scheme, but=digest, now=uow.now)
    return uow.record(Event(kind=Kind.IDENTIFIER_CORRECTED, subject=person, reference=reference))


def pairwise_subject(
    connection: Connection, vault: Vault, person: PersonId, sector: OrganisationId
) -> str:
    """The person's pseudonym for the sector: 22 characters, the same each time.

    A pseudonym that goes out comes from `issue_pairwise_subject`; otherwise it is not known when
    it comes back. Raises UnknownPersonError.
    """
    turn_to(connection, person)
    found = store.pairwise_seed(connection, person)
    if found is None:
        raise UnknownPersonError(person)
    with vault.person_key(person, found.key.version, found.key.wrapped) as key:
        place = seed_place(vault, person, found.key.version)
        seed = unseal(key, place, found.sealed)
    mac = hmac.digest(seed, b"sub/1\x00" + sector.encode(), "sha256")[:_SUBJECT_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")


def issue_pairwise_subject(
    uow: UnitOfWork, vault: Vault, person: PersonId, sector: OrganisationId
) -> str:
    """The pseudonym, written down so that `person_by_pairwise` finds it; the first time an event.

    Raises UnknownPersonError.
    """
    turn_to(uow.connection, person)
    lock_person(uow.connection, person)
    subject = pairwise_subject(uow.connection, vault, person, sector)
    if not store.is_pairwise_issued(uow.connection, person, sector):
        event_id = uow.record(Event(kind=Kind.SUBJECT_ISSUED, subject=person, organisation=sector))
        store.add_pairwise(
            uow.connection,
            person,
            sector=sector,
            subject=subject,
            now=uow.now,
            event_id=event_id,
        )
    return subject


def person_by_pairwise(
    connection: Connection,
    vault: Vault,  # noqa: ARG001  # part of the signature: a keyed look-up may come
    *,
    sector: OrganisationId,
    subject: str,
) -> PersonId | None:
    """Whose pseudonym it is in that sector; another sector's pseudonym finds nobody."""
    return store.person_by_pairwise(connection, sector=sector, subject=subject)


def make_person(uow: UnitOfWork, vault: Vault, person: PersonId) -> store.NewPerson:
    """Somebody new with a first key, to be written in this unit of work."""
    key, wrapped = vault.new_person_key(person, _FIRST_KEY)
    hold_open(uow.connection, vault.wrapped_under(wrapped))
    seed = seal(key, seed_place(vault, person, _FIRST_KEY), os.urandom(32))
    wipe(key)
    event_id = uow.record(Event(kind=Kind.PERSON_CREATED, subject=person))
    return store.NewPerson(person, store.WrappedKey(_FIRST_KEY, wrapped), seed, event_id)


def identifier_digest(vault: Vault, scheme: str, identifier: str) -> bytes:
    """What the identifier is looked up by. Raises as `find_person` does."""
    normal = _normal_form(scheme, identifier)
    return vault.blind("vault/identifier/1", scheme.encode(), normal.encode())


def _claim(uow: UnitOfWork, person: PersonId, *, scheme: str, digest: bytes) -> bool:
    return store.claim_identifier(uow.connection, person, scheme=scheme, digest=digest, now=uow.now)


def check_identifier(scheme: str, identifier: str) -> None:
    """Raise as `find_person` does where it cannot be an identifier of the scheme."""
    _normal_form(scheme, identifier)


def _normal_form(scheme: str, identifier: str) -> str:
    """One spelling for one identifier; only an identity code has letters of either case."""
    if scheme == IDENTITY_SCHEME:
        return parse_identity_code(identifier).value
    if scheme == BUSINESS_SCHEME:
        return _business_id(identifier)
    fits = 0 < len(identifier) <= _LONGEST_IDENTIFIER and 0 < len(scheme) <= _LONGEST_SCHEME
    if not fits or not identifier.isprintable() or identifier != identifier.strip():
        raise InvalidIdentifierError
    return unicodedata.normalize("NFC", identifier)


def _business_id(identifier: str) -> str:
    try:
        check_business_id(identifier)
    except InvalidBusinessIdError as error:
        raise InvalidIdentifierError from error
    return identifier


def seed_place(vault: Vault, person: PersonId, key_version: int) -> Place:
    return Place(
        installation=vault.installation,
        person=person,
        dataset=DatasetId(""),
        record=RecordId(person),
        version=1,
        field="pairwise-seed",
        key_version=key_version,
        content_type="application/octet-stream",
    )

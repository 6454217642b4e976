"""Versions of notices: what each one says, and what a new one changes.

A declaration is the notice that a person reads, so each version of one is a version of the notice.
The texts of each language have a digest of their own, which a presentation cites: so it can be
shown later what was read, word by word. Nothing that somebody may have agreed to is ever edited.
"""

import re
from dataclasses import replace

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.notice_version import ChangeClass, NoticeVersion
from consent.store import notice_versions as store
from policies.canonical import sha256_hex
from policies.ids import EventId, PurposeId
from policies.purposes import PurposeDeclaration
from policies.text import Text
from policies.vocabulary import Language

_NOT_LETTERS = re.compile(r"[\W_]+")


class EditorialChangeError(ValueError):
    """A change was called editorial that changes more than words; `member` says where."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


def text_digest(declaration: PurposeDeclaration, language: Language) -> str:
    """SHA-256, in hexadecimal, of all texts of the notice in one language, as canonical JSON."""
    return sha256_hex(
        {place: text.in_language(language) for place, text in _texts(declaration).items()}
    )


def change_class(
    before: PurposeDeclaration | None, now: PurposeDeclaration, *, editorial: bool = False
) -> ChangeClass:
    """What the new version changes; the first one changes all.

    Called editorial, it may change words but nothing else. By itself it is editorial when not even
    a word differs. Raises EditorialChangeError.
    """
    if before is None:
        return ChangeClass.MATERIAL
    changed = _changed_members(before, now)
    if editorial and changed:
        raise EditorialChangeError(changed[0])
    if editorial or (not changed and _words(before) == _words(now)):
        return ChangeClass.EDITORIAL
    return ChangeClass.MATERIAL


def register_notice(
    uow: UnitOfWork,
    declaration: PurposeDeclaration,
    *,
    before: PurposeDeclaration | None,
    change: ChangeClass,
    event_id: EventId,
) -> NoticeVersion:
    """Keep the version. `event_id` is the event that puts its declaration in force."""
    new = NoticeVersion(
        purpose=declaration.id,
        version=declaration.version,
        digest=declaration.digest(),
        text_digests={each: text_digest(declaration, each) for each in Language},
        change=change,
        supersedes=None if before is None else before.version,
        registered_at=uow.now,
    )
    store.add(uow.connection, new, event_id)
    return new


def notice_version(
    connection: Connection, purpose: PurposeId, version: int
) -> NoticeVersion | None:
    """One version; None of one from before versions were kept."""
    return store.find(connection, purpose, version)


def _texts(declaration: PurposeDeclaration) -> dict[str, Text]:
    named = dict(declaration.main_texts())
    return named if declaration.law is None else {**named, "law": declaration.law}


def _changed_members(before: PurposeDeclaration, now: PurposeDeclaration) -> list[str]:
    """Members that are no words and differ, the order of attributes included."""
    old, new = (_without_words(each) for each in (before, now))
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _without_words(declaration: PurposeDeclaration) -> dict[str, object]:
    members = replace(declaration, version=0).to_json()
    texts = declaration.texts()
    plain = {name: value for name, value in members.items() if name not in texts}
    # A text that comes or goes is more than other words.
    said = dict.fromkeys(texts, True)
    attributes = [(each.id, each.necessity.value) for each in declaration.attributes]
    return {**plain, **said, "attributes": attributes}


def _words(declaration: PurposeDeclaration) -> dict[str, list[str]]:
    return {
        f"{place}.{language}": _NOT_LETTERS.split(text.in_language(language).casefold())
        for place, text in _texts(declaration).items()
        for language in Language
    }

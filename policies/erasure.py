"""What of a person's data may be erased at her wish, and why the rest stays. Pure.

GDPR article 17: she may have erased what is held about her, unless a law has us keep it (17(3)(b))
or we need it to show that we did right (17(3)(e)). What stands here is about copies: a register
keeps its own, and what it may erase is for it to say.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from policies.catalogue import Catalogue
from policies.ids import AttributeId, DatasetId
from policies.vocabulary import Label


class WhyKept(StrEnum):
    """Why a data set cannot be erased at the person's wish."""

    BY_LAW = "kept-by-law"
    """A law that the catalogue names has us keep it."""
    PROTECTS = "protects-you"
    """It bears the mark of a protected person, and other data here tells where she is: without the
    mark that data would be given out."""


class Stays(StrEnum):
    """What an erasure does not reach, and the person is told of before and after."""

    LOG = "log"
    """Who did what with her data, until the log's own time is over."""
    PROOFS = "proofs"
    """What she agreed to, and the receipts: ids and names of data, no values."""
    NOTE = "note"
    """That an erasure was made: random ids and a time."""
    SOURCES = "sources"
    """What the registers hold themselves."""
    RECIPIENTS = "recipients"
    """What others have fetched before."""
    BACKUPS = "backups"
    """Copies of the database, until they are thrown away or no key opens them."""


@dataclass(frozen=True, slots=True)
class Held:
    """One attribute of one source, as far as these rules look at it."""

    attribute: AttributeId
    labels: frozenset[Label]


def kept_by_law(catalogue: Catalogue, held: Collection[Held]) -> frozenset[DatasetId]:
    """The data sets that a law has us keep."""
    datasets = {catalogue.dataset_of(each.attribute) for each in _known(catalogue, held)}
    return frozenset(each.id for each in datasets if each.retention.law is not None)


def why_kept(catalogue: Catalogue, held: Collection[Held], dataset: DatasetId) -> WhyKept | None:
    """Why this data set cannot be erased alone at the person's wish; None when it can."""
    if catalogue.dataset(dataset).retention.law is not None:
        return WhyKept.BY_LAW
    known = _known(catalogue, held)
    rest = [each for each in known if catalogue.dataset_of(each.attribute).id != dataset]
    return WhyKept.PROTECTS if _is_marked(held) and needs_mark(catalogue, rest) else None


def needs_mark(catalogue: Catalogue, rest: Collection[Held]) -> bool:
    """Whether what is left would give a protected person away: it tells where she is, and bears no
    mark itself."""
    tells_where = any(
        catalogue.attribute(each.attribute).contact for each in _known(catalogue, rest)
    )
    return tells_where and not _is_marked(rest)


def choices(catalogue: Catalogue, held: Collection[Held]) -> Mapping[DatasetId, WhyKept | None]:
    """Every data set that is held, in the catalogue's order, and why it stays, if it does."""
    known = _known(catalogue, held)
    found = {catalogue.dataset_of(each.attribute).id for each in known}
    return {id_: why_kept(catalogue, known, id_) for id_ in catalogue.datasets if id_ in found}


def is_over(
    *,
    days: int,
    observed_at: datetime,
    valid_to: date | None,
    labels: Collection[Label],
    now: datetime,
) -> bool:
    """Whether the time is over for which a value that counts is kept.

    It counts from when the value was stated, or from the end of its validity where that is later.
    While the person disputes a value, or its use is restricted (GDPR article 18(2)), it is kept.
    """
    if _is_held_fast(labels):
        return False
    length = timedelta(days=days)
    still_valid = valid_to is not None and valid_to + length >= now.date()
    return observed_at + length <= now and not still_valid


def was_replaced_long_ago(
    *, days: int, received_at: datetime, labels: Collection[Label], now: datetime
) -> bool:
    """Whether the time is over for which a value is kept that a newer one has replaced."""
    if _is_held_fast(labels):
        return False
    return received_at + timedelta(days=days) <= now


def has_left(
    catalogue: Catalogue, *, dataset: DatasetId, attribute: AttributeId, labels: Collection[Label]
) -> bool:
    """Whether the catalogue has no such data set or attribute any more, so that no purpose asks for
    the value and nothing says how long it is kept: its time is over. What is disputed or restricted
    stays here too.
    """
    known = dataset in catalogue.datasets and attribute in catalogue.attributes
    return not known and not _is_held_fast(labels)


def _is_held_fast(labels: Collection[Label]) -> bool:
    """Time passes for it without end."""
    return bool({Label.DISPUTED, Label.RESTRICTED} & set(labels))


def _known(catalogue: Catalogue, held: Collection[Held]) -> list[Held]:
    """What has left the catalogue must keep nobody from having the rest erased, and itself."""
    return [each for each in held if each.attribute in catalogue.attributes]


def _is_marked(held: Collection[Held]) -> bool:
    return any(Label.PROTECTED in each.labels for each in held)

"""The Population Information System (VTJ): basic data as JSON over X-Road.

The answer to `POST /api/v1/perustiedot` of the Digital and Population Data Services Agency is
`{"ajanTasalla", "perustiedot": [{"henkilotunnus", "tietoryhmat": [...]}]}`; each element of
`tietoryhmat` names its group. A bare array of groups is read too, as one person's groups are kept
by systems that use the interface. Changes (`muutosattribuutti`) are another message and refused.

The answer has no time of its own: what it says is the register's state when it was given, so
`received_at` is the time observed. Household size is in no group that we have seen published; our
demo documents carry it in a group of our own, ASUNTOKUNTA with `henkiloidenLukumaara`.
"""

from collections.abc import Iterable
from datetime import datetime

from babel import Locale

from connectors.documents import (
    NOTHING,
    MalformedDocumentError,
    facts,
    whole,
)
from connectors.json_document import Node, read_json
from connectors.municipalities import municipality_name
from connectors.subjects import check_subject
from policies.facts import Document, Value
from policies.ids import SourceId
from policies.vocabulary import Label

SOURCE = SourceId("vtj")

_PROTECTED = frozenset({Label.PROTECTED})
_LARGEST_HOUSEHOLD = 100
_WITHHELD = "turvakiellonAlaisetKentat"


def parse(
    document: bytes, *, received_at: datetime, subject: str | None = None
) -> tuple[Document, ...]:
    """`person` and, when the register gives an address or a household, `residence`.

    `subject` is the identity code of the person whom the document must be about.
    """
    identity_code, groups = _one_person(read_json(document, SOURCE), subject)
    protection = _PROTECTED if _is_protected(groups) else NOTHING
    person = facts(SOURCE, _person(groups, identity_code), observed_at=received_at)
    # The municipality tells where a protected person is to be looked for (Act 661/2009, s. 36).
    municipality = facts(SOURCE, _municipality(groups), observed_at=received_at, labels=protection)
    residence = facts(SOURCE, _residence(groups), observed_at=received_at, labels=protection)
    documents = [whole("person", SOURCE, person + municipality, document)]
    if residence:
        documents.append(whole("residence", SOURCE, residence, document))
    return tuple(documents)


def _one_person(root: Node, subject: str | None) -> tuple[str | None, dict[str, Node]]:
    """The identity code, where the document has one, and the groups by name."""
    if isinstance(root.value, list):
        if subject is not None:
            raise root.wrong("does not say whom it is about")
        return None, _current_groups(root.items())
    people = root.member("perustiedot").items()
    if len(people) != 1:
        raise root.member("perustiedot").wrong("is not about one person")
    code = check_subject(people[0].member("henkilotunnus"), subject)
    return code, _current_groups(people[0].member("tietoryhmat").items())


def _current_groups(nodes: Iterable[Node]) -> dict[str, Node]:
    groups: dict[str, Node] = {}
    for node in nodes:
        if node.optional("muutosattribuutti") is not None:
            raise node.wrong("is a change and not basic data")
        name = node.member("tietoryhma").text()
        if name not in _READ or node.optional("loppupv") is not None:
            continue
        if name in groups:
            raise node.wrong("repeats a group that a person has once")
        groups[name] = node
    return groups


_READ = frozenset(
    {
        "TURVAKIELTO",
        "HENKILON_NIMI",
        "SYNTYMAPAIVA",
        "AIDINKIELI",
        "KOTIKUNTA",
        "VAKINAINEN_KOTIMAINEN_OSOITE",
        "ASUNTOKUNTA",
    }
)


def _is_protected(groups: dict[str, Node]) -> bool:
    """Non-disclosure is in force, or the register withholds something because of it."""
    protection = groups.get("TURVAKIELTO")
    if protection is not None and protection.member("turvakieltoAktiivinen").boolean():
        return True
    return any(group.optional(_WITHHELD) is not None for group in groups.values())


def _given(groups: dict[str, Node], name: str) -> Node | None:
    """The group, unless the register withholds its values."""
    group = groups.get(name)
    return None if group is None or group.optional(_WITHHELD) is not None else group


def _person(groups: dict[str, Node], identity_code: str | None) -> dict[str, Value | None]:
    name = _given(groups, "HENKILON_NIMI")
    if name is None:
        raise MalformedDocumentError(SOURCE, "", "has no group HENKILON_NIMI")
    birth = _given(groups, "SYNTYMAPAIVA")
    tongue = _given(groups, "AIDINKIELI")
    return {
        "person.given_names": name.member("etunimi").text(),
        "person.family_name": name.member("sukunimi").text(),
        "person.identity_code": identity_code,
        "person.birth_date": None if birth is None else _day(birth.member("syntymapv")),
        "person.mother_tongue": None if tongue is None else _tongue(tongue),
    }


def _day(node: Node) -> str | None:
    """A date that is known to the day; a year of birth alone is no date."""
    if node.member("tarkkuus").text() != "PAIVA":
        return None
    return node.member("arvo").date().isoformat()


def _tongue(group: Node) -> str:
    """The language's Finnish name: the register's own, or that of its ISO 639-1 code."""
    name = group.optional("nimi")
    if name is not None:
        return name.text()
    code = group.member("kielikoodi").text()
    return str(Locale("fi").languages.get(code, code))


def _municipality(groups: dict[str, Node]) -> dict[str, Value | None]:
    group = _given(groups, "KOTIKUNTA")
    if group is None:
        return {}
    return {"person.home_municipality": municipality_name(group.member("kuntakoodi").text())}


def _residence(groups: dict[str, Node]) -> dict[str, Value | None]:
    values: dict[str, Value | None] = {}
    address = _given(groups, "VAKINAINEN_KOTIMAINEN_OSOITE")
    if address is not None:
        values["residence.street_address"] = _street(address)
        values["residence.postal_code"] = address.member("postinumero").text()
        values["residence.city"] = _either_language(address.member("postitoimipaikka"))
    household = _given(groups, "ASUNTOKUNTA")
    if household is not None:
        values["residence.household_size"] = _household_size(household)
    return values


def _household_size(household: Node) -> int:
    count = household.member("henkiloidenLukumaara")
    if not 1 <= count.integer() <= _LARGEST_HOUSEHOLD:
        raise count.wrong("is no possible household")
    return count.integer()


def _street(address: Node) -> str:
    """Street, number, staircase, flat and its letter, as Finns write them on an envelope."""
    flat = address.optional("huoneistonumero")
    number = "" if flat is None else flat.text().lstrip("0")
    letter = address.optional("jakokirjain")
    parts = [
        _either_language(address.member("katunimi")),
        *(
            part.text()
            for name in ("katunumero", "huoneistokirjain")
            if (part := address.optional(name)) is not None
        ),
        number + ("" if letter is None else letter.text()),
    ]
    return " ".join(part for part in parts if part)


def _either_language(names: Node) -> str:
    name = names.optional("fi") or names.optional("sv")
    if name is None:
        raise names.wrong("has neither a Finnish nor a Swedish name")
    return name.text()

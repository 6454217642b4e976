from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.ids import AttributeId, OrganisationId
from policies.purposes import DeclarationError, PurposeDeclaration, check_declaration
from policies.text import Text
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance, Necessity
from tests.policies.declarations import (
    AMOUNT,
    PLACE,
    a_declaration,
    declaration_json,
    required_only,
    small_catalogue,
)

SAID = Text(fi="Sanottu.", sv="Sagt.", en="Said.")


def no_choice(basis: LegalBasis, **changes: Any) -> PurposeDeclaration:
    """A declaration on a ground that is no choice."""
    texts: dict[str, Any] = {"refusal_consequence": None, "alternative_path": None}
    declaration = a_declaration(basis=basis, **{**texts, **changes})
    return replace(declaration, attributes=required_only(declaration))


def changed(value: object) -> object:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return value[1:]
        case _:
            raise AssertionError(value)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    match value:
        case dict():
            return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
        case list():
            within = [leaf for i, item in enumerate(value) for leaf in leaves(item, (*path, i))]
            return [path, *within]
        case _:
            return [path]


def with_change(data: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    *way, last = path
    inner: Any = data
    for step in way:
        inner = inner[step]
    inner[last] = changed(inner[last])
    return data


def turned(value: Any) -> Any:
    """The same value with the members of each object in the opposite order."""
    match value:
        case dict():
            return {key: turned(value[key]) for key in reversed(value)}
        case list():
            return [turned(item) for item in value]
        case _:
            return value


def test_file_and_json_of_a_declaration_are_the_same() -> None:
    assert a_declaration().to_json() == declaration_json()


def test_declaration_reads_back_as_it_was_written() -> None:
    declaration = a_declaration()
    assert PurposeDeclaration.from_json(declaration.to_json()) == declaration


def test_absent_members_stay_absent() -> None:
    declaration = no_choice(LegalBasis.VITAL, law=None, max_uses=None)
    data = declaration.to_json()
    assert not {"law", "max_uses", "refusal_consequence", "alternative_path"} & set(data)
    assert PurposeDeclaration.from_json(data) == declaration


def test_digest_does_not_depend_on_the_order_of_members() -> None:
    data = turned(declaration_json())
    assert list(data) != list(declaration_json())
    assert PurposeDeclaration.from_json(data).digest() == a_declaration().digest()


def test_digest_does_not_change_between_releases() -> None:
    # Consents bind to it: a change of this value would orphan every consent given before.
    assert a_declaration().digest() == (
        "e29e22f885f619f2e6ffbb7540f16aa56619ad0f72ff93602ebaf0926b7fdf3a"
    )


@pytest.mark.parametrize(
    "path",
    [path for path in leaves(declaration_json()) if path[-1] not in {"basis", "necessity"}],
    ids=lambda path: ".".join(map(str, path)),
)
def test_digest_changes_with_each_member(path: tuple[str | int, ...]) -> None:
    data = with_change(declaration_json(), path)
    try:
        declaration = PurposeDeclaration.from_json(data)
    except DeclarationError:
        assert path == ("required_loa",)
    else:
        assert declaration.digest() != a_declaration().digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"basis": LegalBasis.REQUEST},
        {"required_loa": LevelOfAssurance.HIGH},
        {"law": None},
        {"max_uses": None},
        {"refusal_consequence": None},
        {"alternative_path": None},
    ],
)
def test_digest_changes_with_closed_words_and_absence(changes: dict[str, Any]) -> None:
    assert a_declaration(**changes).digest() != a_declaration().digest()


def test_digest_changes_with_necessity_and_order_of_attributes() -> None:
    declaration = a_declaration()
    both = {
        replace(declaration, attributes=required_only(declaration)).digest(),
        replace(declaration, attributes=declaration.attributes[::-1]).digest(),
    }
    assert len(both - {declaration.digest()}) == 2


def test_attributes_are_told_apart_by_necessity() -> None:
    assert a_declaration().required == (AMOUNT,)
    assert a_declaration().optional == (PLACE,)


def test_main_texts_leave_out_the_reference_to_the_law_and_hold_every_reason() -> None:
    places = [place for place, _ in a_declaration().main_texts()]
    assert "law" not in places
    assert {"purpose", "attributes.0.why", "attributes.1.if_refused"} <= set(places)
    assert len(places) == 7 + 2 * 2


@pytest.mark.parametrize("data", [None, [], "aid", 1.5, {}, {"id": None}])
def test_json_that_is_no_declaration_is_refused(data: object) -> None:
    with pytest.raises(DeclarationError):
        PurposeDeclaration.from_json(data)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_surplus_member_is_refused_whatever_it_holds(value: object) -> None:
    with pytest.raises(DeclarationError) as caught:
        PurposeDeclaration.from_json(declaration_json() | {"more": value})
    assert caught.value.field.startswith("more")


@pytest.mark.parametrize("name", sorted(set(declaration_json()) - {
    "law", "max_uses", "refusal_consequence", "alternative_path"
}))  # fmt: skip
def test_missing_member_is_named(name: str) -> None:
    data = declaration_json()
    del data[name]
    with pytest.raises(DeclarationError, match="is missing") as caught:
        PurposeDeclaration.from_json(data)
    assert caught.value.field == name


def test_good_declaration_passes() -> None:
    check_declaration(a_declaration(), small_catalogue())


@pytest.mark.parametrize("basis", [LegalBasis.CONSENT, LegalBasis.PERMISSION, LegalBasis.REQUEST])
@pytest.mark.parametrize("organisation", ["agency", "shop"])
def test_choice_may_be_asked_by_authority_and_private(basis: LegalBasis, organisation: str) -> None:
    declaration = a_declaration(basis=basis, organisation=OrganisationId(organisation))
    check_declaration(declaration, small_catalogue())


@pytest.mark.parametrize("basis", [LegalBasis.CONSENT, LegalBasis.PERMISSION, LegalBasis.REQUEST])
@pytest.mark.parametrize("member", ["refusal_consequence", "alternative_path"])
def test_choice_without_consequence_or_other_way_is_refused(basis: LegalBasis, member: str) -> None:
    declaration = a_declaration(basis=basis, **{member: None})
    with pytest.raises(DeclarationError, match=f"{member}: is missing"):
        check_declaration(declaration, small_catalogue())


@pytest.mark.parametrize("basis", [LegalBasis.STATUTE, LegalBasis.CONTRACT, LegalBasis.VITAL])
@pytest.mark.parametrize("member", ["refusal_consequence", "alternative_path"])
def test_what_is_no_choice_is_never_shown_as_one(basis: LegalBasis, member: str) -> None:
    organisation = OrganisationId("shop" if basis is LegalBasis.CONTRACT else "agency")
    check_declaration(no_choice(basis, organisation=organisation), small_catalogue())
    with pytest.raises(DeclarationError, match=f"{member}: is there"):
        check_declaration(
            no_choice(basis, organisation=organisation, **{member: SAID}), small_catalogue()
        )


def test_what_is_no_choice_has_no_optional_attribute() -> None:
    declaration = replace(no_choice(LegalBasis.STATUTE), attributes=a_declaration().attributes)
    with pytest.raises(DeclarationError, match="attributes: one is optional"):
        check_declaration(declaration, small_catalogue())


@pytest.mark.parametrize(
    ("basis", "organisation"), [(LegalBasis.STATUTE, "shop"), (LegalBasis.CONTRACT, "agency")]
)
def test_ground_that_the_organisation_cannot_have_is_refused(
    basis: LegalBasis, organisation: str
) -> None:
    declaration = no_choice(basis, organisation=OrganisationId(organisation))
    with pytest.raises(DeclarationError, match="basis: "):
        check_declaration(declaration, small_catalogue())


KEPT_BACK = {"days": 30, "law": {"fi": "Laki 1", "sv": "Lag 1", "en": "Act 1"}}


def test_a_delay_reads_back_as_it_was_written_and_is_part_of_the_digest() -> None:
    declared = PurposeDeclaration.from_json({**declaration_json(), "kept_back": KEPT_BACK})
    assert declared.kept_back is not None
    assert declared.kept_back.days == 30
    assert declared.to_json()["kept_back"] == KEPT_BACK
    assert declared.digest() != a_declaration().digest()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"days": 0}, "kept_back.days"),
        ({"days": 367}, "kept_back.days"),
        ({"law": {"fi": "Laki 1"}}, "kept_back.law"),
        ({"why": "x"}, "kept_back"),
    ],
)
def test_a_delay_has_an_end_and_a_law(changed: dict[str, Any], field: str) -> None:
    data = {**declaration_json(), "kept_back": {**KEPT_BACK, **changed}}
    with pytest.raises(DeclarationError) as caught:
        PurposeDeclaration.from_json(data)
    assert caught.value.field.startswith(field)


@pytest.mark.parametrize("basis", LegalBasis)
def test_what_a_person_chose_is_not_kept_back_from_her(basis: LegalBasis) -> None:
    delay = PurposeDeclaration.from_json({**declaration_json(), "kept_back": KEPT_BACK}).kept_back
    if basis is LegalBasis.STATUTE:
        check_declaration(no_choice(basis, kept_back=delay), small_catalogue())
        return
    with pytest.raises(DeclarationError, match="kept_back: "):
        check_declaration(a_declaration(basis=basis, kept_back=delay), small_catalogue())


@pytest.mark.parametrize("basis", LegalBasis)
def test_statute_and_permission_name_their_law(basis: LegalBasis) -> None:
    organisation = OrganisationId("shop" if basis is LegalBasis.CONTRACT else "agency")
    made = partial(a_declaration, basis=basis) if basis.is_choice else partial(no_choice, basis)
    declaration = made(law=None, organisation=organisation)
    if basis in {LegalBasis.STATUTE, LegalBasis.PERMISSION}:
        with pytest.raises(DeclarationError, match="law: is missing"):
            check_declaration(declaration, small_catalogue())
    else:
        check_declaration(declaration, small_catalogue())


def test_declaration_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="attributes: is empty"):
        check_declaration(a_declaration(attributes=()), small_catalogue())


def test_unknown_organisation_and_attribute_are_named() -> None:
    with pytest.raises(DeclarationError, match=r"organisation: .*nobody"):
        check_declaration(a_declaration(organisation=OrganisationId("nobody")), small_catalogue())
    first, second = a_declaration().attributes
    unknown = replace(second, id=AttributeId("pay.colour"))
    with pytest.raises(DeclarationError, match=r"attributes\.1\.id: .*pay\.colour"):
        check_declaration(a_declaration(attributes=(first, unknown)), small_catalogue())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"required_loa": LevelOfAssurance.LOW}, "required_loa: is lower than pay"),
        ({"max_validity_days": 91}, "max_validity_days: is longer than pay"),
    ],
)
def test_declaration_keeps_within_what_the_data_set_allows(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(DeclarationError, match=fault):
        check_declaration(a_declaration(**changes), small_catalogue())


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("member", ["name", "purpose", "use", "retention", "recipients"])
def test_text_that_is_not_plain_is_refused_in_its_language(member: str, language: Language) -> None:
    long = replace(SAID, **{language.value: " ".join(["sana"] * 26)})
    with pytest.raises(DeclarationError) as caught:
        check_declaration(a_declaration(**{member: long}), small_catalogue())
    assert caught.value.field == f"{member}.{language}"


def test_reason_that_is_not_plain_is_refused() -> None:
    first, second = a_declaration().attributes
    citing = replace(second, why=replace(SAID, en="Section 5 says so."))
    with pytest.raises(DeclarationError, match=r"attributes\.1\.why\.en: cites law"):
        check_declaration(a_declaration(attributes=(first, citing)), small_catalogue())


def test_necessity_is_a_closed_set() -> None:
    assert set(Necessity) == {"required", "optional"}

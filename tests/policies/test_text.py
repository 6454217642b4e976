import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.text import PlaceholderError, Template, Text, TextError
from policies.vocabulary import Language

KNOWN = frozenset({"date", "organisation"})


def test_text_speaks_each_language() -> None:
    text = Text(fi="Kyllä", sv="Ja", en="Yes")
    assert [text.in_language(language) for language in Language] == ["Kyllä", "Ja", "Yes"]
    assert text.to_json() == {"fi": "Kyllä", "sv": "Ja", "en": "Yes"}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        (" ", "surplus space"),
        (" Yes", "surplus space"),
        ("Yes ", "surplus space"),
        ("Oh  yes", "surplus space"),
        ("Oh\nyes", "line break"),
        ("Oh\tyes", "line break"),
        ("Oh\u00a0yes", "surplus space"),
        ("Oh\u2028yes", "line break"),
        ("Oh\x00yes", "control character"),
        ("Oh\x7fyes", "control character"),
        ("Oh\x85yes", "control character"),
        ("Oh\u202eyes", "control character"),
        ("Oh\u200byes", "control character"),
        ("Oh\ud800yes", "control character"),
    ],
)
def test_text_that_is_empty_or_untidy_in_one_language_is_not_made(
    language: Language, value: str, reason: str
) -> None:
    texts = {"fi": "Kyllä", "sv": "Ja", "en": "Yes"} | {language.value: value}
    with pytest.raises(TextError, match=reason) as caught:
        Text(**texts)
    assert caught.value.language == language


def test_template_is_filled_in_the_language_asked_for() -> None:
    text = Text(
        fi="{organisation}: {date}.", sv="{date}, {organisation}.", en="{date} {organisation}."
    )
    template = Template.of(text, known=KNOWN)
    values = {"date": "24.11.2026", "organisation": "Kela", "law": "is not asked for"}
    assert template.fill(Language.FI, values) == "Kela: 24.11.2026."
    assert template.fill(Language.SV, values) == "24.11.2026, Kela."


def test_template_without_a_value_for_a_place_is_not_filled() -> None:
    template = Template.of(Text(fi="{date}", sv="{date}", en="{date}"), known=KNOWN)
    with pytest.raises(PlaceholderError, match=r"\{date\} has no value") as caught:
        template.fill(Language.EN, {"organisation": "Kela"})
    assert caught.value.name == "date"


@given(st.text())
def test_value_is_put_in_once_and_never_read_as_a_template(value: str) -> None:
    template = Template.of(Text(fi="<{date}>", sv="<{date}>", en="<{date}>"), known=KNOWN)
    assert template.fill(Language.FI, {"date": value}) == f"<{value}>"


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        (Text(fi="{day}", sv="{day}", en="{day}"), "fi", "unknown place {day}"),
        (Text(fi="{date}", sv="x", en="{date}"), "sv", "differs from Finnish"),
        (Text(fi="x", sv="x", en="{date}"), "en", "differs from Finnish"),
        (Text(fi="x", sv="{x", en="x"), "sv", "brace"),
        (Text(fi="x", sv="x", en="{Date}"), "en", "brace"),
        (Text(fi="{}", sv="x", en="x"), "fi", "brace"),
    ],
)
def test_template_with_unknown_unlike_or_broken_places_is_not_made(
    text: Text, language: str, reason: str
) -> None:
    with pytest.raises(TextError, match=reason) as caught:
        Template.of(text, known=KNOWN)
    assert caught.value.language == language

"""The texts as published, in all three languages: plain, calm, tidy and the same everywhere.

Limits: at most 15 words in a sentence on average, none over 25, LIX at most 40. Finnish words
are longer by nature, so there LIX is a guard against a trend.
"""

import re
from collections.abc import Iterator
from statistics import mean

import pytest

from policies.catalogue import Attribute, Dataset, Organisation, Source, load_catalogue
from policies.event_texts import load_event_texts
from policies.plain_language import check_plain, lix, sentences, words
from policies.purposes import PurposeDeclaration
from policies.reasons import load_reasons
from policies.text import Text
from policies.vocabulary import Language, LegalBasis

CATALOGUE = load_catalogue()
MESSAGES = {"events": load_event_texts(), "reasons": load_reasons()}
HIGHEST_LIX = {Language.FI: 62, Language.SV: 40, Language.EN: 40}

# Words that hurry, praise, frighten or make guilty (EDPB guidelines 03/2022, "stirring").
EMOTIVE = {
    Language.FI: r"valitettava|menetä[tn]|kiire|heti|tärkeä|luota|turvalli|helppo|helpost|nopeast|"
    r"suosittel|paras|parhaa|hieno|ihana|varoitu|rangaistu|pakko|vaara|ikävä|pahoittele|ilmai|"
    r"mahtava|ainutlaatui|vain\b",
    Language.SV: r"tyvärr|förlora|bråttom|genast|viktig|lita|trygg|säker(?!hetskopi)|enkel|"
    r"enkla|snabbt?\b|rekommender|bäst|underbar|varning|straff|tvung|fara\b|ledsen|gratis|"
    r"fantastisk|unik|bara\b|dröj",
    Language.EN: r"unfortunate|sorry|lose\b|miss out|hurry|urgent|immediately|important|trust|safe|"
    r"eas[yi]|quick|recommend|best|great|wonderful|warning|penalt|must\b|danger|sad\b|free of|"
    r"amazing|unique|only\b|simply|just\b(?! as)|please",
}
CONSENT_WORDS = {Language.FI: "suostu", Language.SV: "samtyck", Language.EN: "consent"}
AMERICAN = (
    r"\b\w{3,}(?:iz(?:e[ds]?|ing|ation)\b)|\b(?:color|center|behavior|favor|labor\b|inquir)\w*"
)


def full_texts() -> Iterator[tuple[str, Text]]:
    """Every text that is made of whole sentences."""
    for id_, declaration in CATALOGUE.purposes.items():
        for place, text in declaration.main_texts():
            if place != "name":
                yield f"{id_}: {place}", text
    for dataset in CATALOGUE.datasets.values():
        yield f"{dataset.id}: description", dataset.description
    for attribute in CATALOGUE.attributes.values():
        yield f"{attribute.id}: description", attribute.description
    for messages in MESSAGES.values():
        for code, message in messages.items():
            yield f"{code}: sentence", message.sentence.text


def names() -> Iterator[tuple[str, Text]]:
    """Every name and label."""
    entries: tuple[Organisation | Source | Dataset | Attribute | PurposeDeclaration, ...] = (
        *CATALOGUE.organisations.values(),
        *CATALOGUE.sources.values(),
        *CATALOGUE.datasets.values(),
        *CATALOGUE.attributes.values(),
        *CATALOGUE.purposes.values(),
    )
    yield from ((entry.id, entry.name) for entry in entries)
    for messages in MESSAGES.values():
        yield from ((code, message.name) for code, message in messages.items())


def together(declaration: PurposeDeclaration, language: Language) -> str:
    return " ".join(
        text.in_language(language) for place, text in declaration.main_texts() if place != "name"
    )


def assert_easy(text: str, language: Language) -> None:
    assert lix(text) <= HIGHEST_LIX[language]
    assert mean(len(words(sentence)) for sentence in sentences(text)) <= 15


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("declaration", CATALOGUE.purposes.values(), ids=lambda each: each.id)
def test_declaration_is_easy_to_read(declaration: PurposeDeclaration, language: Language) -> None:
    assert_easy(together(declaration, language), language)


@pytest.mark.parametrize("language", Language)
def test_descriptions_are_easy_to_read(language: Language) -> None:
    descriptions = [each.description for each in CATALOGUE.attributes.values()]
    assert_easy(" ".join(text.in_language(language) for text in descriptions), language)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", MESSAGES)
def test_messages_are_easy_to_read(kind: str, language: Language) -> None:
    filled = [
        message.sentence.fill(
            language, {"organisation": "Kela", "date": "1.2.2026", "law": "1 §", "person": "Aino"}
        )
        for message in MESSAGES[kind].values()
    ]
    assert_easy(" ".join(filled), language)


@pytest.mark.parametrize("language", Language)
def test_no_text_has_a_long_sentence_or_cites_law(language: Language) -> None:
    for _, text in full_texts():
        check_plain(text.in_language(language))


@pytest.mark.parametrize("language", Language)
def test_no_text_stirs_feelings(language: Language) -> None:
    emotive = re.compile(rf"\b(?:{EMOTIVE[language]})|!", re.IGNORECASE)
    for place, text in (*full_texts(), *names()):
        assert not emotive.search(text.in_language(language)), place


@pytest.mark.parametrize("language", Language)
def test_sentences_begin_with_a_capital_and_end_with_a_full_stop(language: Language) -> None:
    for place, text in full_texts():
        value = text.in_language(language)
        assert value.endswith("."), place
        for sentence in sentences(value):
            assert sentence[0].isupper() or sentence[0] in "0123456789{", place


@pytest.mark.parametrize("language", Language)
def test_names_are_short_and_end_without_a_full_stop(language: Language) -> None:
    for place, text in names():
        value = text.in_language(language)
        assert not value.endswith((".", ":")), place
        assert value[0].isupper(), place
        assert len(words(value)) <= 7, place


@pytest.mark.parametrize("language", Language)
def test_no_two_attributes_share_a_name(language: Language) -> None:
    found = [each.name.in_language(language) for each in CATALOGUE.attributes.values()]
    assert len(set(found)) == len(found)


def test_no_sentence_was_left_in_another_language() -> None:
    for place, text in full_texts():
        assert len({text.fi, text.sv, text.en}) == 3, place


def test_english_is_british() -> None:
    for place, text in (*full_texts(), *names()):
        assert not re.search(AMERICAN, text.en, re.IGNORECASE), place


def test_each_language_calls_kela_by_one_name() -> None:
    for place, text in full_texts():
        assert "FPA" not in text.fi + text.en, place
        assert "Kela" not in text.sv, place


@pytest.mark.parametrize("declaration", CATALOGUE.purposes.values(), ids=lambda each: each.id)
def test_what_the_law_decides_is_never_called_a_consent(declaration: PurposeDeclaration) -> None:
    if declaration.basis is LegalBasis.STATUTE:
        for language, word in CONSENT_WORDS.items():
            assert word not in together(declaration, language).lower()


def test_every_reference_to_the_law_stands_in_all_languages_alike() -> None:
    for declaration in CATALOGUE.purposes.values():
        if declaration.law:
            numbers = [
                re.findall(r"\d+/\d{4}", declaration.law.in_language(language))
                for language in Language
            ]
            assert numbers[0] == numbers[1] == numbers[2]

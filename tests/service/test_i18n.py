"""Texts: complete and equal in Finnish, Swedish and English, and everything on pages is one."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import service
from policies.plain_language import MOST_WORDS_IN_SENTENCE, lix, sentences, words
from policies.vocabulary import Language
from service.i18n import (
    Id,
    IncompleteTextsError,
    MissingTextError,
    Texts,
    check_complete,
    texts,
    texts_of,
)
from service.pages import load_pages

FOLDER = Path(service.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "Problem": (3,)}
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.do", "trimmed": "true"}}
HEAD = r"""
msgid ""
msgstr ""
"Language: fi\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"""
PLACE = re.compile(r"%\((\w+)\)s")


def used() -> set[Id]:
    """Every text that a page or a module of the service asks for."""
    return {
        message if isinstance(message, str) else (message[0], message[1])
        for _, _, message, _, _ in extract_from_dir(
            str(FOLDER), METHODS, OPTIONS, keywords=KEYWORDS, directory_filter=lambda _: True
        )
    }


def catalogue(entry: str) -> Texts:
    head = (
        'msgid ""\nmsgstr ""\n"Language: fi\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
    )
    po = read_po(BytesIO(f"{head}\n{entry}\n".encode()), locale="fi")
    return texts_of(Language.FI, po)


@pytest.mark.parametrize("language", list(Language))
def test_exactly_the_texts_that_are_used_stand_in_the_file(language: Language) -> None:
    assert texts(language).ids == used()


@pytest.mark.parametrize("language", list(Language))
def test_every_text_fills_the_same_places(language: Language) -> None:
    own = texts(language)
    for message, text in own.singular.items():
        assert sorted(PLACE.findall(message)) == sorted(PLACE.findall(text)), message
    for (_, plural), forms in own.plural.items():
        assert set(PLACE.findall(plural)) == set(PLACE.findall(forms[1])), plural


@pytest.mark.parametrize("language", [Language.FI, Language.SV])
def test_no_text_of_a_sentence_is_left_in_english(language: Language) -> None:
    left = [
        m
        for m, t in texts(language).singular.items()
        if m == t and len(words(PLACE.sub("", m))) > 3
    ]
    assert left == []


@pytest.mark.parametrize("language", list(Language))
def test_no_sentence_is_long(language: Language) -> None:
    every = [*texts(language).singular.values(), *sum(texts(language).plural.values(), ())]
    for text in every:
        assert all(len(words(each)) <= MOST_WORDS_IN_SENTENCE for each in sentences(text)), text


@pytest.mark.parametrize("language", [Language.SV, Language.EN])
def test_the_texts_together_are_easy_to_read(language: Language) -> None:
    prose = [t for t in texts(language).singular.values() if t.endswith(".")]
    assert lix(" ".join(prose)) <= 40


def test_the_english_text_is_its_own_key() -> None:
    assert all(key == text for key, text in texts(Language.EN).singular.items())


@pytest.mark.parametrize(
    "entry",
    [
        'msgid "Data"\nmsgstr ""',
        '#, fuzzy\nmsgid "Data"\nmsgstr "Tiedot"',
        '#~ msgid "Data"\n#~ msgstr "Tiedot"',
        'msgid "One"\nmsgid_plural "%(num)s"\nmsgstr[0] "Yksi"\nmsgstr[1] ""',
    ],
    ids=["empty", "fuzzy", "obsolete", "half a plural"],
)
def test_an_entry_that_is_not_finished_counts_as_missing(entry: str) -> None:
    assert catalogue(entry).ids == set()


def test_a_language_that_lacks_a_text_stops_the_start() -> None:
    whole = catalogue('msgid "Data"\nmsgstr "Tiedot"')
    empty = catalogue('msgid "Data"\nmsgstr ""')
    with pytest.raises(IncompleteTextsError, match="lacks 1 texts"):
        check_complete({Language.FI: whole, Language.SV: empty, Language.EN: whole})


def test_a_text_that_nobody_has_is_an_error_and_not_its_key() -> None:
    with pytest.raises(MissingTextError):
        texts(Language.FI).gettext("No such text")
    with pytest.raises(MissingTextError):
        texts(Language.FI).ngettext("No such", "No such %(num)s", 2)


@pytest.mark.parametrize(("n", "form"), [(0, 1), (1, 0), (2, 1), (100, 1)])
def test_one_is_one_and_the_rest_is_many(n: int, form: int) -> None:
    forms = ("Yhden kerran.", "Enintään %(num)s kertaa.")
    chosen = texts(Language.FI).ngettext("One time.", "%(num)s times at most.", n)
    assert chosen == forms[form]


def test_all_templates_load_in_all_languages() -> None:
    load_pages()

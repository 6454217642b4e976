"""How easy a text is to read: sentences, words and LIX, and what a main text must not hold.

LIX (C. H. Björnsson, 1968) is words per sentence plus the percentage of words of more than six
letters. It is made for Swedish and works for English; Finnish words are longer by nature, so
there it shows a trend only.
"""

import re

MOST_WORDS_IN_SENTENCE = 25

_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+(?=\S)")
_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_LONG_WORD = 7
_CITATION = re.compile(
    r"\d+/\d{4}|§|\b(?:articles?|artiklan?|artikel|section|pykälä\w*|paragraf\w*|momentti)\b",
    re.IGNORECASE,
)


class UnplainTextError(ValueError):
    """A text breaks a rule of plain language."""


def sentences(text: str) -> list[str]:
    """The sentences of a text; a colon ends one as well."""
    return _SENTENCE_END.split(text.strip())


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def lix(text: str) -> float:
    """The readability index of a text that has at least one word."""
    found = words(text)
    long_words = sum(len(word) >= _LONG_WORD for word in found)
    return len(found) / len(sentences(text)) + 100 * long_words / len(found)


def check_plain(text: str) -> None:
    """Raise UnplainTextError for a sentence that is too long or a citation of law.

    The law has a place of its own beside the main text.
    """
    for sentence in sentences(text):
        count = len(words(sentence))
        if count > MOST_WORDS_IN_SENTENCE:
            raise UnplainTextError(
                f"has a sentence of {count} words, at most {MOST_WORDS_IN_SENTENCE} are allowed"
            )
    if _CITATION.search(text):
        raise UnplainTextError("cites law, which belongs in the member `law`")

"""Paths of pages: the language comes first, and only our own paths are returned to."""

from urllib.parse import urlsplit

from starlette.convertors import Convertor, register_url_convertor

from policies.vocabulary import Language

LONGEST = 512


class LanguageConvertor(Convertor[Language]):
    """`{language:lang}` in a route: one of our languages and nothing else."""

    regex = "|".join(Language)

    def convert(self, value: str) -> Language:
        return Language(value)

    def to_string(self, value: Language) -> str:
        return value.value


register_url_convertor("lang", LanguageConvertor())


def is_own(path: str) -> bool:
    """True for a path on this server; `//elsewhere` and `/\\elsewhere` are other hosts."""
    if not path.startswith("/") or path.startswith("//") or len(path) > LONGEST:
        return False
    if "\\" in path or not path.isprintable() or not path.isascii() or " " in path:
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc


def in_language(path: str, language: Language) -> str:
    """The same page in another language; a path without one leads to the front page."""
    head, _, rest = path.removeprefix("/").partition("/")
    return f"/{language}/{rest}" if head in set(Language) else f"/{language}/"

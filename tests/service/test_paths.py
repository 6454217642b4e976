"""Which paths are ours, and how a page is found in another language."""

import pytest

from policies.vocabulary import Language
from service.paths import LONGEST, in_language, is_own


@pytest.mark.parametrize("path", ["/", "/fi/consents", "/oauth/authorize?a=b&c=%2F", "/a//b"])
def test_our_own_paths(path: str) -> None:
    assert is_own(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "fi/consents",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/a\\b",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\nb",
        "/a\tb",
        "/a b",
        "/å",
        "/\u202e",
        "/" + "x" * LONGEST,
    ],
)
def test_what_leads_elsewhere_is_not_ours(path: str) -> None:
    assert not is_own(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/fi/consents", "/sv/consents"),
        ("/en/", "/sv/"),
        ("/en", "/sv/"),
        ("/fi/requests/1/2", "/sv/requests/1/2"),
        ("/sign-in/callback", "/sv/"),
        ("/oauth/authorize", "/sv/"),
        ("/", "/sv/"),
    ],
)
def test_a_page_is_found_in_another_language(path: str, expected: str) -> None:
    assert in_language(path, Language.SV) == expected

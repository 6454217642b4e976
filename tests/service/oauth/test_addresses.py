"""Addresses in normal form (RFC 3986 sections 6.2.2 and 6.2.3)."""

import pytest

from service.oauth.addresses import normal_address


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        # RFC 3986 section 6.2.2 and 6.2.3, with our scheme.
        ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:8460/a", "https://example.com:8460/a"),
        ("https://example.com/a/./b/../b/%63/%7bfoo%7d", "https://example.com/a/b/c/%7Bfoo%7D"),
        ("https://example.com/a?b#c", "https://example.com/a"),
        ("http://[::1]:8460/x", "http://[::1]:8460/x"),
        # RFC 3986 section 5.2.4.
        ("https://e.fi/a/b/c/./../../g", "https://e.fi/a/g"),
        ("https://e.fi/../../a", "https://e.fi/a"),
        ("https://e.fi/a/b/..", "https://e.fi/a/"),
        ("https://e.fi/a/.", "https://e.fi/a/"),
        ("https://e.fi/a//b", "https://e.fi/a//b"),
    ],
)
def test_equal_addresses_have_one_form(address: str, normal: str) -> None:
    assert normal_address(address) == normal


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "//example.com/a",
        "ftp://example.com/",
        "https://",
        "https://u:p@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://exämple.com/",
        "https://example.com/a b",
        "https://example.com/a\n",
    ],
)
def test_what_is_no_address_has_none(address: str) -> None:
    assert normal_address(address) is None

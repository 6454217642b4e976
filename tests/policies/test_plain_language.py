import pytest

from policies.plain_language import UnplainTextError, check_plain, lix, sentences, words


def test_sentences_end_at_full_stops_and_colons() -> None:
    text = "Who asks? Kela: it pays benefits. It needs 1.5 hours!"
    assert sentences(text) == ["Who asks?", "Kela:", "it pays benefits.", "It needs 1.5 hours!"]


def test_words_keep_their_hyphens_and_apostrophes() -> None:
    assert words("FO-nummer, the company's Y-tunnus.") == [
        "FO-nummer", "the", "company's", "Y-tunnus",
    ]  # fmt: skip


def test_lix_is_words_per_sentence_plus_the_share_of_long_words() -> None:
    # Ten words in two sentences, two of them longer than six letters: 5 + 20.
    assert lix("Uppgifterna ger dig hjälp nu. Du kan alltid svara senare inte.") == pytest.approx(
        11 / 2 + 100 / 11
    )
    assert lix("One two. Three four.") == pytest.approx(2)
    assert lix("Sevenly.") == pytest.approx(101)


def test_sentence_of_25_words_passes_and_one_of_26_does_not() -> None:
    check_plain("word " * 24 + "word. " + "word " * 24 + "word.")
    with pytest.raises(UnplainTextError, match="a sentence of 26 words"):
        check_plain("Short. " + "word " * 25 + "word.")


@pytest.mark.parametrize(
    "text",
    ["Lain 906/2019 mukaan.", "5 § sanoo niin.", "See Section 20.", "GDPR article 6.", "6 artiklan",
     "Enligt artikel 6.", "Pykälän 5 mukaan.", "Paragrafen säger."],
)  # fmt: skip
def test_text_that_cites_law_is_not_plain(text: str) -> None:
    with pytest.raises(UnplainTextError, match="cites law"):
        check_plain(text)


@pytest.mark.parametrize("text", ["Laki antaa oikeuden.", "Open 24/7.", "In the intersection."])
def test_text_that_only_mentions_law_is_plain(text: str) -> None:
    check_plain(text)

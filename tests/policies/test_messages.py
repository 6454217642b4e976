from policies.event_texts import load_event_texts
from policies.messages import Message
from policies.reasons import load_reasons
from policies.vocabulary import Language
from tests.policies.declarations import GOOD


def withdrawn() -> Message:
    return load_reasons(GOOD)["withdrawn"]


def test_message_says_its_sentence_when_the_places_are_known() -> None:
    said = withdrawn().in_words(Language.EN, {"date": "24/11/2026", "person": "somebody"})
    assert said == "You withdrew on 24/11/2026."


def test_message_says_its_name_when_a_place_is_not_known() -> None:
    assert withdrawn().in_words(Language.SV, {}) == "Återkallat"


def test_messages_are_found_by_code() -> None:
    assert withdrawn().code == "withdrawn"
    assert withdrawn().sentence.placeholders == {"date"}
    assert load_event_texts(GOOD)["data.released"].name.fi == "Luovutettu"

from audit.model import Kind
from policies.event_texts import load_event_texts


def test_every_kind_of_event_has_its_texts_and_no_text_is_left_over() -> None:
    assert set(load_event_texts()) == set(Kind)

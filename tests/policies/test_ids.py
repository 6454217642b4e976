from policies.ids import new_uuid


def test_new_id_is_random_and_says_so() -> None:
    first, second = new_uuid(), new_uuid()
    assert first != second
    assert first.version == 4

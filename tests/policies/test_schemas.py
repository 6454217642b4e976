"""A schema inside another document stands there whole, with nothing to look up elsewhere."""

import json

from policies.schemas import embedded


def test_a_schema_of_ours_that_another_one_names_stands_in_its_place() -> None:
    text = embedded("text")
    assert embedded("organisations")["additionalProperties"]["properties"]["name"] == text


def test_nothing_is_left_to_look_up() -> None:
    for schema in ("text", "organisations", "purpose", "dataset"):
        written = json.dumps(embedded(schema))
        assert "$ref" not in written
        assert "$defs" not in written

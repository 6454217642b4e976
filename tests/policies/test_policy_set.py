"""Policies that may not decide are refused when they are read, with the place named."""

from pathlib import Path

import pytest

from policies.policy_set import MANIFEST, RULES, SCHEMA, PolicySet, PolicySetError, load_policy_set
from policies.rule_form import check_form

SCHEMA_TEXT = RULES.joinpath(SCHEMA).read_text(encoding="utf-8")
REASONS = ("consent-active", "ended")
HEAD = 'principal is Vault::Client, action == Vault::Action::"fetch", resource is Vault::DataSet'
NOTES = {"id": "deny.it", "reason": "ended", "law": "GDPR 6", "rank": "001"}
CONDITION = "context has token && context.now < context.token.expires"


def policy(condition: str = CONDITION, *, effect: str = "forbid", **notes: str | None) -> str:
    lines = [
        f'@{name}("{value}")' for name, value in {**NOTES, **notes}.items() if value is not None
    ]
    return "\n".join([*lines, f"{effect} ({HEAD})", f"when {{ {condition} }};"])


def read(text: str, schema: str = SCHEMA_TEXT) -> PolicySet:
    return PolicySet.of_texts(text, schema, reasons=REASONS)


def fault(text: str, schema: str = SCHEMA_TEXT) -> str:
    with pytest.raises(PolicySetError) as caught:
        read(text, schema)
    return str(caught.value)


def test_a_policy_is_known_by_its_own_id() -> None:
    found = read(policy())
    assert list(found.bodies) == ["deny.it"]
    assert (found.reason("deny.it"), found.rank("deny.it")) == ("ended", 1)


def test_comments_layout_and_order_do_not_change_the_digest() -> None:
    one, other = policy(), policy(id="deny.other", rank="002")
    first = read(f"{one}\n{other}").digest
    spread = one.replace(" && ", "\n\n  &&  ")
    assert read(f"// A comment.\n{other}\n\n\n{spread}").digest == first
    assert read(f"{one}\n{other}", SCHEMA_TEXT.replace("  ", " ")).digest == first


@pytest.mark.parametrize(
    "changed",
    [
        policy("context has token && context.now <= context.token.expires"),
        policy(reason="consent-active"),
        policy(law="GDPR 7"),
        policy(rank="002"),
        policy(id="deny.that"),
        policy(effect="permit"),
    ],
)
def test_whatever_decides_or_explains_changes_the_digest(changed: str) -> None:
    assert read(changed).digest != read(policy()).digest


def test_the_schema_is_part_of_the_digest() -> None:
    wider = SCHEMA_TEXT.replace('"active", "suspended"]', '"active", "suspended", "gone"]')
    assert read(policy(), wider).digest != read(policy()).digest


@pytest.mark.parametrize(
    "condition",
    [
        "context.token.revoked",  # may be missing
        "context has token && context.token.gone",
        'context has grant && context.grant.state == Vault::State::"activ"',
        "context has grant && context.grant.granted == 1",
        "resource.attributes.contains(1)",
    ],
)
def test_what_the_schema_does_not_know_is_refused(condition: str) -> None:
    assert fault(policy(condition)).startswith("deny.it: ")


@pytest.mark.parametrize(
    "condition",
    [
        "context.now > 5",
        "context.now + 1 < context.now",
        "context has token && context.now + 300 < context.token.expires",
        "context has token && context.token.issued < context.token.expires",
        "context has token && context.token.expires == context.now",
        "context has token && [context.token.expires].contains(1)",
    ],
)
def test_a_time_may_be_compared_with_the_present_only(condition: str) -> None:
    assert "compared with context.now" in fault(policy(condition))


@pytest.mark.parametrize("name", sorted(NOTES))
def test_each_annotation_must_be_there(name: str) -> None:
    assert "annotations" in fault(policy(**dict.fromkeys([name])))  # type: ignore[arg-type]  # notes


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", "deny"), ("id", "Deny.it"), ("reason", "Ended"), ("law", " "), ("rank", "1")],
)
def test_each_annotation_has_its_form(name: str, value: str) -> None:
    assert f"@{name} has not the form" in fault(policy(**{name: value}))


def test_another_annotation_is_refused() -> None:
    assert "annotations" in fault(policy(note="x"))


@pytest.mark.parametrize(("same", "other"), [("id", "rank"), ("rank", "id")])
def test_id_and_rank_are_a_policys_own(same: str, other: str) -> None:
    new = {"id": "deny.other", "rank": "002"}[other]
    assert f"same @{same}" in fault(f"{policy()}\n{policy(**{other: new})}")


def test_a_reason_without_texts_is_refused() -> None:
    assert "withdrawn has no texts" in fault(policy(reason="withdrawn"))


@pytest.mark.parametrize(
    "text", ["", "permit", "// nothing\n", "permit (principal == ?principal, action, resource);"]
)
def test_what_is_no_set_of_policies_is_refused(text: str) -> None:
    assert fault(text)


def test_a_schema_that_is_none_is_refused() -> None:
    assert "is not a schema" in fault(policy(), "entity")


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    tmp_path.joinpath("a.cedar").write_text(policy())
    with pytest.raises(PolicySetError, match=SCHEMA):
        load_policy_set(tmp_path)
    tmp_path.joinpath(SCHEMA).write_text(SCHEMA_TEXT)
    assert list(load_policy_set(tmp_path).bodies) == ["deny.it"]
    tmp_path.joinpath("b.cedar").write_bytes(b"\xff")
    with pytest.raises(PolicySetError, match=r"b\.cedar"):
        load_policy_set(tmp_path)


def test_policies_that_are_not_what_the_manifest_names_do_not_decide(tmp_path: Path) -> None:
    tmp_path.joinpath("a.cedar").write_text(policy())
    tmp_path.joinpath(SCHEMA).write_text(SCHEMA_TEXT)
    digest = load_policy_set(tmp_path).digest
    tmp_path.joinpath(MANIFEST).write_text(f"cedar:{digest}\n")
    assert load_policy_set(tmp_path).digest == digest
    tmp_path.joinpath("a.cedar").write_text(policy(law="GDPR 7"))
    with pytest.raises(PolicySetError, match="manifest does not name"):
        load_policy_set(tmp_path)


def test_the_policies_of_the_program_have_a_manifest() -> None:
    assert RULES.joinpath(MANIFEST).read_text("utf-8") == f"cedar:{load_policy_set().digest}\n"


def test_the_form_is_checked_without_cedar_too() -> None:
    check_form([], REASONS)

"""Trust policies: the published ones, each way to be refused, and every count of a quorum."""

from datetime import UTC, datetime
from itertools import chain, combinations
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.cosignature import Ed25519Cosigner, MlDsaCosigner
from audit.note import NoteError, NoteSigner, Verifier, open_note
from audit.trust import Trust
from audit.trust_policy import Policy, PolicyError, parse_policy

VECTORS = Path(__file__).parents[1] / "vectors" / "cosignature"
PUBLISHED = (VECTORS / "policy.txt").read_bytes()
COSIGNED = (VECTORS / "cosigned.txt").read_bytes()
AT = datetime.fromtimestamp(1_790_866_138, UTC)
KEYSERVER = b"""\
log keyserver.geomys.org+16b31509+ARLJ+pmTj78HzTeBj04V+LVfB+GFAQyrg54CRIju7Nn8
witness TrustFabric transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM https://api.transparency.dev/dev/witness/little-garden/
witness Mullvad witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv https://witness.stagemole.eu/
witness Geomys witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G https://witness.navigli.sunlight.geomys.org/
group public 2 TrustFabric Mullvad Geomys
quorum public
"""  # noqa: E501  # from filippo.io/age, as published


def key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def cosigner(seed: int, name: str = "") -> Ed25519Cosigner:
    return Ed25519Cosigner(name or f"w{seed}.example", key(seed))


LOG = NoteSigner("vault.example/audit", key(100))
WITNESSES = "".join(f"witness W{n} {cosigner(n).vkey}\n" for n in range(1, 7))


def parsed(text: str) -> Policy:
    return parse_policy(text.encode())


def keys_of(policy: Policy, origin: str) -> tuple[Verifier, ...]:
    """The keys that may sign for that log, for whoever trusts the policy."""
    return Trust(policy=policy).keys_of(origin, ())


def test_the_published_policy_is_satisfied_by_the_published_checkpoint() -> None:
    policy = parse_policy(PUBLISHED)
    verdict = policy.judge(COSIGNED)
    assert verdict.quorum
    assert verdict.missing == ()
    assert verdict.cosigned == dict.fromkeys(("W1", "W2", "W3", "PQ"), AT)
    assert verdict.newest == AT
    assert open_note(COSIGNED, keys_of(policy, "example.com/log"))


@pytest.mark.parametrize(
    ("gone", "quorum"),
    [
        (["w1"], True),
        (["w1", "w2"], False),
        (["pq"], False),
        (["w3"], True),
        (["w1", "w2", "w3", "pq"], False),
        ([], True),
    ],
)
def test_the_published_quorum_needs_two_of_three_and_the_post_quantum_one(
    gone: list[str], quorum: bool
) -> None:
    lines = COSIGNED.splitlines(keepends=True)
    left = b"".join(one for one in lines if not any(f"/{w} ".encode() in one for w in gone))
    verdict = parse_policy(PUBLISHED).judge(left)
    assert verdict.quorum is quorum
    assert len(verdict.missing) == len(gone)


def test_a_witness_with_a_wrong_signature_refuses_the_checkpoint() -> None:
    with pytest.raises(NoteError, match="is wrong"):
        parse_policy(PUBLISHED).judge(COSIGNED.replace(b"20852163", b"20852164"))


def test_cosignatures_from_before_a_moment_do_not_count() -> None:
    policy = parse_policy(PUBLISHED)
    assert policy.judge(COSIGNED, since=AT).quorum
    stale = policy.judge(COSIGNED, since=AT.replace(year=2027))
    assert (stale.quorum, stale.cosigned, stale.newest) == (False, {}, None)


@pytest.mark.parametrize("at", [0, 2**63 - 1])
def test_a_cosignature_without_a_time_of_any_calendar_does_not_count(at: int) -> None:
    policy = parsed(f"witness W {cosigner(1).vkey}\nquorum W\n")
    text = "vault.example/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    note = (text + "\n" + cosigner(1).cosign(text, at)).encode()
    assert not policy.judge(note).quorum


def test_of_two_cosignatures_by_one_witness_the_newer_counts() -> None:
    policy = parsed(f"witness W {cosigner(1).vkey}\nquorum W\n")
    text = "vault.example/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    lines = cosigner(1).cosign(text, 2_000_000_000) + cosigner(1).cosign(text, 1_900_000_000)
    newest = policy.judge(f"{text}\n{lines}".encode()).newest
    assert newest == datetime.fromtimestamp(2_000_000_000, UTC)


def test_a_policy_of_somebody_else_reads_with_its_addresses() -> None:
    policy = parse_policy(KEYSERVER)
    assert [witness.name for witness in policy.witnesses] == ["TrustFabric", "Mullvad", "Geomys"]
    assert policy.witnesses[1].url == "https://witness.stagemole.eu/"
    assert policy.logs[0].url is None
    assert policy.groups[0].threshold == 2


def test_the_example_of_the_standard_counts_each_group_apart() -> None:
    policy = parsed(
        f"log {LOG.vkey}\n\n{WITNESSES}"
        "group X-witnesses 2 W1 W2 W3\n"
        "group Y-witnesses any W4 W5 W6\n\n"
        "group X-and-Y all X-witnesses Y-witnesses\n"
        "quorum X-and-Y\n"
    )
    names = [f"W{n}" for n in range(1, 7)]
    for chosen in chain.from_iterable(combinations(names, n) for n in range(7)):
        expected = len({"W1", "W2", "W3"} & set(chosen)) >= 2 and {"W4", "W5", "W6"} & set(chosen)
        assert policy.reached(chosen) is bool(expected), chosen


@pytest.mark.parametrize("count", range(7))
@pytest.mark.parametrize(("word", "needed"), [("any", 1), ("all", 6), ("1", 1), ("4", 4), ("6", 6)])
def test_a_group_needs_as_many_as_it_says(word: str, needed: int, count: int) -> None:
    members = " ".join(f"W{n}" for n in range(1, 7))
    policy = parsed(f"{WITNESSES}group G {word} {members}\nquorum G\n")
    assert policy.reached([f"W{n}" for n in range(1, count + 1)]) is (count >= needed)


def test_a_quorum_may_be_one_witness_or_none_at_all() -> None:
    one = parsed(f"{WITNESSES}quorum W2\n")
    assert one.reached(["W2"])
    assert not one.reached(["W1", "W3"])
    assert parsed("quorum none\n").reached([])


def test_a_name_that_is_no_witness_adds_nothing() -> None:
    assert not parsed(f"{WITNESSES}quorum W2\n").reached(["w2", "W7", ""])


def test_gaps_comments_and_empty_lines_are_read_over() -> None:
    policy = parsed(
        f"# ä comment\n\n \t\n\t witness \t W  {cosigner(1).vkey}\t \n  #x\nquorum\tW\n"
    )
    assert [witness.name for witness in policy.witnesses] == ["W"]


def test_names_are_octets_and_only_the_same_octets_are_the_same_name() -> None:
    kelvin = "\N{KELVIN SIGN}"
    text = f"witness K {cosigner(1).vkey}\nwitness {kelvin} {cosigner(2).vkey}\nquorum {kelvin}\n"
    policy = parsed(text)
    assert not policy.reached(["K"])
    octets = b"witness \xff " + cosigner(1).vkey.encode() + b"\nquorum \xff\n"
    assert parse_policy(octets).witnesses[0].name == "\udcff"


def test_a_no_break_space_is_part_of_a_name() -> None:
    assert parsed(f"witness a\u00a0b {cosigner(1).vkey}\nquorum a\u00a0b\n").witnesses


def test_a_log_by_its_bare_name_counts_for_all_its_half_years() -> None:
    policy = parsed(f"log {LOG.vkey}\nquorum none\n")
    for origin in ("vault.example/audit", "vault.example/audit/2026h2"):
        [verifier] = keys_of(policy, origin)
        assert verifier.name == origin
    assert keys_of(policy, "vault.example/audit/2026h2b") == ()
    assert keys_of(policy, "other.example") == ()


def test_a_witness_key_for_ml_dsa_counts() -> None:
    pq = MlDsaCosigner("w.example", MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    assert parsed(f"witness PQ {pq.vkey}\nquorum PQ\n").witnesses[0].verifier == pq.verifier


W1 = f"witness W1 {cosigner(1).vkey}\n"
W2 = f"witness W2 {cosigner(2).vkey}\n"
REFUSED = {
    "empty": (1, ""),
    "no quorum": (1, W1),
    "no last line end": (2, f"{W1}quorum W1"),
    "a carriage return": (1, f"{W1[:-1]}\r\nquorum W1\n"),
    "a NUL": (2, f"{W1}quorum W1\0\n"),
    "a DEL": (1, "# \x7f\nquorum none\n"),
    "an unknown word": (1, "wintess W1 x\nquorum none\n"),
    "an upper-case word": (1, "Quorum none\n"),
    "a log without a key": (1, "log\nquorum none\n"),
    "a log with three words": (1, f"log {LOG.vkey} https://x.example more\nquorum none\n"),
    "a log with a broken key": (1, f"log {LOG.vkey[:-1]}\nquorum none\n"),
    "a log twice": (2, f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n"),
    "a log's key under two names": (
        2, f"log {LOG.vkey}\nlog {NoteSigner('x.example', key(100)).vkey}\nquorum none\n",
    ),
    "a witness without a key": (1, "witness W1\nquorum W1\n"),
    "a witness with the key of a log": (1, f"witness W1 {LOG.vkey}\nquorum W1\n"),
    "a witness's name twice": (2, f"{W1}{W2.replace('W2', 'W1')}quorum W1\n"),
    "a witness's key twice": (2, f"{W1}{W1.replace('W1', 'W2')}quorum W1\n"),
    "a witness's key under two names": (
        2, f"{W1}witness W2 {cosigner(1, 'x.example').vkey}\nquorum W1\n",
    ),
    "a witness called none": (1, f"{W1.replace('W1', 'none')}quorum none\n"),
    "a witness with four words": (1, f"{W1[:-1]} https://x.example more\nquorum W1\n"),
    "a key name of octets that are no text": (1, "witness W \udcff+00000000+AAAA\nquorum W\n"),
    "a group without members": (2, f"{W1}group G any\nquorum G\n"),
    "a group of none": (2, f"{W1}group G 1 none\nquorum G\n"),
    "a group of what comes later": (1, f"group G any W1\n{W1}quorum G\n"),
    "a group of itself": (2, f"{W1}group G any G\nquorum G\n"),
    "a group with a witness's name": (2, f"{W1}group W1 any W1\nquorum W1\n"),
    "a group called none": (2, f"{W1}group none any W1\nquorum none\n"),
    "a member twice": (2, f"{W1}group G 2 W1 W1\nquorum G\n"),
    "a member of two groups": (3, f"{W1}group G any W1\ngroup H any W1\nquorum G\n"),
    "a threshold of zero": (2, f"{W1}group G 0 W1\nquorum G\n"),
    "a threshold beyond the members": (3, f"{W1}{W2}group G 3 W1 W2\nquorum G\n"),
    "a threshold with a zero before it": (3, f"{W1}{W2}group G 01 W1 W2\nquorum G\n"),
    "a threshold that is a word": (3, f"{W1}{W2}group G most W1 W2\nquorum G\n"),
    "a threshold in other digits": (3, f"{W1}{W2}group G ١ W1 W2\nquorum G\n"),
    "a quorum that nobody names": (2, f"{W1}quorum W2\n"),
    "a quorum that is named later": (1, f"quorum W1\n{W1}"),
    "a quorum of two": (3, f"{W1}{W2}quorum W1 W2\n"),
    "a quorum of nothing": (2, f"{W1}quorum\n"),
    "two quorums": (3, f"{W1}quorum W1\nquorum W1\n"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "text"), REFUSED.values(), ids=REFUSED)
def test_a_policy_that_is_none_is_refused_with_its_line(line: int, text: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text.encode("utf-8", "surrogateescape"))
    assert refused.value.line == line
    assert str(refused.value).startswith(f"line {line}: ")


def test_a_file_that_is_too_long_is_refused() -> None:
    with pytest.raises(PolicyError, match="too long"):
        parse_policy(b"#" * 1_000_001)


def test_thirty_two_of_each_are_read() -> None:
    logs = "".join(f"log {NoteSigner(f'l{n}', key(n)).vkey}\n" for n in range(1, 33))
    witnesses = "".join(f"witness W{n} {cosigner(n).vkey}\n" for n in range(1, 33))
    groups = "".join(f"group G{n} any W{n}\n" for n in range(1, 32))
    members = " ".join(f"G{n}" for n in range(1, 32))
    policy = parsed(f"{logs}{witnesses}{groups}group all 31 {members}\nquorum all\n")
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)
    assert policy.reached([f"W{n}" for n in range(1, 32)])
    assert not policy.reached([f"W{n}" for n in range(2, 33)])

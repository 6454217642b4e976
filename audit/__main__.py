"""`python -m audit verify`: check a log, or a piece of it, with no database and no network.

This command needs this folder, Python and the package `cryptography`, and nothing else: a test
holds it to that. It ends with 0 when everything holds, with 1 when something does not, and with 2
when it was asked wrongly.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from audit.faults import BundleError
from audit.verification import Question, QuestionError, trust_of, verify_paths


def main(arguments: Sequence[str]) -> int:
    """Verify, and say what was found."""
    given = _parser().parse_args(arguments)
    try:
        question = Question(
            trust_of(
                given.vkey,
                given.policy and given.policy.read_bytes(),
                given.max_age,
                tsa_roots=given.tsa_roots and given.tsa_roots.read_bytes(),
                now=datetime.now(UTC),
            ),
            tuple(path.read_bytes() for path in given.older),
            given.entry and given.entry.read_bytes(),
            tuple((path.name, path.read_bytes()) for path in given.promise),
            given.first_log,
        )
        answers = verify_paths(given.path, question)
    except (QuestionError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command's answer
        return 2
    except BundleError as error:
        if given.json:
            print(json.dumps({"verified": False} | error.to_json()))  # noqa: T201
        else:
            print(f"does not verify: {error}", file=sys.stderr)  # noqa: T201
        return 1
    if given.json:
        found = {"verified": True, "results": [answer.to_json() for answer in answers]}
        print(json.dumps(found))  # noqa: T201
    else:
        print("\n".join(answer.text for answer in answers))  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit")
    verify = parser.add_subparsers(required=True).add_parser(
        "verify", help="check exports, published logs, proofs and checkpoints"
    )
    verify.add_argument("path", type=Path, nargs="+")
    verify.add_argument("--vkey", action="append", default=[], help="a key of the log you trust")
    verify.add_argument("--policy", type=Path, help="logs and witnesses you trust (tlog-policy)")
    verify.add_argument("--max-age", help="of the newest cosignature, for example 24h")
    verify.add_argument("--tsa-roots", type=Path, help="roots of time stamping authorities (PEM)")
    verify.add_argument("--older", type=Path, action="append", default=[], help="a checkpoint kept")
    verify.add_argument("--entry", type=Path, help="the entry that a .tlog-proof is about")
    verify.add_argument(
        "--promise", type=Path, action="append", default=[], help="an event promise you hold"
    )
    verify.add_argument("--first-log", help="the half-year in which the log began, as 2026h2")
    verify.add_argument("--json", action="store_true", help="say it for a program")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Commands of an operator on a disk that is full from a chosen write on.

`python -m tests.faults.full_disk SOCKET` runs under `strace`, which lets every write of a process
fail from the SPARE-th on. The program is imported once and forks for every order that it reads
from the socket, a line of JSON each. Before it begins, a life writes to nowhere until exactly as
many writes are left as its order says. It tells what the commands said by the socket, for which
no disk is needed.
"""

import json
import os
import socket
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from policies.catalogue import load_catalogue
from service.cli.import_ import _bring_in, _tell
from service.cli.main import main as consent_vault
from service.cli.operator import OPERATOR
from service.cli.place import runtime_of
from service.deposit_signatures import remembering
from vault.importing import Importer

SPARE = 1500
WRITES = ("pwrite64", "write")
NEEDED = (
    "service.erasing",
    "service.key_state",
    "service.keys_fit",
    "service.migrations.upgrade",
    "service.runtime",
    "vault.resealing",
)
"""What commands import when they run: once here, and not in each life."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def import_in_pieces(file: Path) -> None:
    """What `import` does, in smaller pieces than it has."""
    report = file.with_name(f"{file.name}.refused")
    with runtime_of(None) as runtime, file.open("rb") as opened:
        importer = Importer(
            ledger=runtime.ledger,
            vault=runtime.vault,
            actor=OPERATOR,
            clock=runtime.now,
            signatures=remembering(runtime.ledger),
            enrols=True,
            batch=2,
        )
        done = _bring_in(importer, opened, report, quiet=True)
    _tell(done, report, as_json=True)


def fill(left: dict[str, int]) -> None:
    """Leave this process so many writes of each kind."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for _ in range(SPARE - 1 - left["pwrite64"]):
        os.pwrite(nowhere, b"x", 0)
    for _ in range(SPARE - 1 - left["write"]):
        os.write(nowhere, b"x")


def live(order: dict[str, Any]) -> dict[str, Any]:
    """Run the commands until one of them fails; what they said."""
    os.environ.update(order["environment"])
    if order["left"] is not None:
        fill(order["left"])
    said = list[str]()
    for command in order["commands"]:
        result: Result = CliRunner().invoke(consent_vault, command)
        said.append(result.output)
        if result.exit_code:
            return {"failed": _unexpected(result) or "told", "said": said, "pid": os.getpid()}
    return {"failed": None, "said": said, "pid": os.getpid()}


def _unexpected(result: Result) -> str | None:
    """The traceback that an operator would have seen."""
    if isinstance(result.exception, SystemExit):
        return None
    assert result.exc_info is not None
    return "".join(traceback.format_exception(*result.exc_info))


def main(descriptor: int) -> None:
    consent_vault.add_command(import_in_pieces)
    for name in NEEDED:
        import_module(name)
    load_catalogue()
    with socket.socket(fileno=descriptor) as orders, orders.makefile("r") as lines:
        for line in lines:
            life = os.fork()
            if life == 0:
                orders.sendall(json.dumps(live(json.loads(line))).encode() + b"\n")
                os._exit(0)
            os.waitpid(life, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The last lines of a demo's start: where to go, and how to do everything else."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from connectors.demo_data.people import DemoPerson
from policies.vocabulary import Language
from service.demo.folder import DemoFolder

LIBRARY = "requests-oauth2client==1.8.0"


def welcome(
    base_url: str,
    people: Sequence[DemoPerson],
    folder: DemoFolder,
    issue_ticket: Callable[[str], str],
    *,
    language: Language,
) -> list[str]:
    """At most twelve lines."""
    width = max(len(person.name) for person in people)
    links = [
        f"  {person.name:<{width}}  {', '.join(person.roles):<8}  "
        f"{base_url}/{language}/sign-in?ticket={issue_ticket(person.key)}"
        for person in people
    ]
    reset = f"{_command()} demo reset --data {shlex.quote(_shown(folder.path))}"
    return [
        f"The demo runs at {base_url}/{language}/ (everything in it is invented).",
        "Sign in by a link; each works once:",
        *links,
        f"Fetch as an agency: {fetch_command(folder)}",
        f"Data: {folder.path.resolve()}",
        f"Stop: Ctrl+C   Remove it all: {reset}",
    ]


def language_of_terminal() -> Language:
    """The language of the terminal, English where we do not have it."""
    spoken = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "")[:2]
    return Language(spoken) if spoken in set(Language) else Language.EN


def fetch_command(folder: DemoFolder) -> str:
    """A command that works as it stands, in the folder from which the demo was started."""
    script = shlex.quote(_shown(example("fetch_as_agency.py")))
    agency = shlex.quote(_shown(folder.agencies / "kela.json"))
    beside = Path(sys.executable).with_name("uv")
    uv = beside if beside.exists() else shutil.which("uv")
    if uv is not None:
        return f"{shlex.quote(_shown(Path(uv)))} run -q --script {script} {agency}"
    python = shlex.quote(_shown(Path(sys.executable)))
    return f"{python} -m pip install -q {LIBRARY} && {python} {script} {agency}"


def _command() -> str:
    """Our own command, by its path where it stands beside the interpreter."""
    beside = Path(sys.executable).with_name("consent-vault")
    return shlex.quote(_shown(beside)) if beside.exists() else "consent-vault"


def example(name: str) -> Path:
    """An example program: in the wheel beside this module, in a checkout in `docs/`."""
    packaged = Path(str(resources.files("service.demo"))) / "examples" / name
    return packaged if packaged.exists() else Path(__file__).parents[2] / "docs/examples" / name


def _shown(path: Path) -> str:
    """Relative to here where that is shorter to read."""
    # Not resolved: the environment's interpreter is a link that leads out of it.
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)

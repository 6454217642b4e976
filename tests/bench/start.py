"""`python -m tests.bench.start`: from the demo's command to its first page, and once more.

The first start makes keys, tables and people; the second goes on with them. Seconds of the clock
are what a visitor waits, seconds of CPU are what the machine did meanwhile.
"""

import tempfile
import time
from pathlib import Path

import httpx2

from tests.bench.load import cpu_seconds
from tests.running import running

AIM_SECONDS = 5
"""How long a visitor may wait for the first page."""


def main() -> None:
    print(f"{'':<16}{'clock s':>9}{'CPU s':>9}   aim: {AIM_SECONDS} s")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first start", "second start"):
            print(_line(name, Path(folder) / "data"))


def _line(name: str, folder: Path) -> str:
    begun = time.monotonic()
    with running(folder) as demo:
        httpx2.get(demo.page("")).raise_for_status()
        waited = time.monotonic() - begun
        return f"{name:<16}{waited:>9.2f}{cpu_seconds(demo.pid):>9.2f}"


if __name__ == "__main__":
    main()

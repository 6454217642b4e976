"""A load generator small enough to read: prepared requests over kept connections.

Each connection sends its next request when the answer to the last one has come. The server's CPU
time is read from the kernel before and after, so the generator's own work does not count.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_END = b"\r\n\r\n"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: how many answers, how long each took, what the server spent on them."""

    name: str
    answers: int
    failed: int
    seconds: float
    latencies: tuple[float, ...]
    """Seconds, in rising order."""
    server_cpu: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.server_cpu / self.answers

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(share * self.answers))]

    def line(self) -> str:
        """The row for the table."""
        return (
            f"{self.name:<34}{self.rate:>9.0f}{self.quantile(0.5):>9.2f}"
            f"{self.quantile(0.99):>9.2f}{self.cpu_ms:>9.3f}{self.failed:>7}"
        )


HEADER = f"{'':<34}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'failed':>7}"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def measure(
    name: str, requests: Sequence[bytes], *, port: int, pid: int, connections: int = 8
) -> Measured:
    """Send every request once and tell how it went."""
    return asyncio.run(_measure(name, requests, port, pid, connections))


async def _measure(
    name: str, requests: Sequence[bytes], port: int, pid: int, connections: int
) -> Measured:
    waiting = iter(requests)
    cpu, started = cpu_seconds(pid), time.perf_counter()
    runs = await asyncio.gather(*(_connection(waiting, port) for _ in range(connections)))
    seconds, spent = time.perf_counter() - started, cpu_seconds(pid) - cpu
    answers = [answer for run in runs for answer in run]
    return Measured(
        name=name,
        answers=len(answers),
        failed=sum(not 200 <= status < 300 for status, _ in answers),
        seconds=seconds,
        latencies=tuple(sorted(latency for _, latency in answers)),
        server_cpu=spent,
    )


async def _connection(waiting: Iterator[bytes], port: int) -> list[tuple[int, float]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = []
    for request in waiting:
        started = time.perf_counter()
        writer.write(request)
        status = await _answer(reader)
        done.append((status, time.perf_counter() - started))
    writer.close()
    return done


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(_END)).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head[9:12])

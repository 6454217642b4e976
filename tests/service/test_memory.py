"""What a process that has guarded its memory can and cannot do, seen from outside."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, resource, sys
from service.memory import guard_memory
{before}
told = guard_memory()
print(told)
print(open('/proc/self/status').read())
print('limit', resource.getrlimit(resource.RLIMIT_CORE))
{after}
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the means are those of Linux")


def told(before: str = "", after: str = "") -> str:
    command = [sys.executable, "-c", SCRIPT.format(before=before, after=after)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_core_is_dumped_and_the_process_is_hidden() -> None:
    found = told(after="import ctypes; print('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))")
    assert "core_dumps_off=True, hidden=True" in found
    assert "limit (0, 0)" in found
    assert "dumpable 0" in found


def test_memory_is_locked_where_there_is_no_limit_to_it() -> None:
    found = told()
    locked = next(line for line in found.splitlines() if line.startswith("VmLck"))
    assert ("locked=True" in found) == (locked.split()[1] != "0")


def test_locked_memory_takes_no_more_than_is_used() -> None:
    found = told(
        after="block = bytearray(0); import mmap; m = mmap.mmap(-1, 1 << 30)"
        ";print(open('/proc/self/status').read())"
    )
    resident = [int(line.split()[1]) for line in found.splitlines() if line.startswith("VmRSS")]
    assert resident[-1] < 400_000


def test_memory_is_not_locked_where_a_limit_would_refuse_what_comes_later() -> None:
    before = (
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))\n"
        "if os.geteuid() == 0: os.setuid(65534)"
    )
    found = told(before, after="block = bytearray(64 << 20); print(len(block))")
    assert "locked=False" in found
    assert str(64 << 20) in found


def test_another_process_of_the_user_cannot_look_in() -> None:
    before = "if os.geteuid() == 0: os.setuid(65534)"
    after = (
        "sys.stdout.flush()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try:\n"
        "        open(f'/proc/{os.getppid()}/mem', 'rb'); print('seen')\n"
        "    except PermissionError:\n"
        "        print('not seen')\n"
        "    sys.stdout.flush(); os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert "not seen" in told(before, after)

"""Keys stay in memory: no core dump, no look from outside, no swap where that may be forbidden.

What can be promised in Python ends there: copies that the interpreter makes are not overwritten.
Linux only; elsewhere the core dumps are forbidden and the rest is told as not done.
"""

import ctypes
import os
import resource
import sys
from dataclasses import dataclass

_PR_SET_DUMPABLE = 4
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""For mlockall(2): what is there, what comes, and each page only once it is used."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the system has granted."""

    core_dumps_off: bool
    hidden: bool
    """Other processes of this user cannot look into this one."""
    locked: bool
    """Nothing goes to the swap."""


def guard_memory() -> Guarded:
    """Do it, for this process and once; a child has to do the last two again."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    linux = sys.platform == "linux"
    locked = linux and may_lock() and _lock()
    return Guarded(core_dumps_off=True, hidden=linux and _hide(), locked=locked)


def may_lock() -> bool:
    """Whether there is no limit to what may be locked.

    With one, memory that comes after it would be refused, and the service would fall over under
    load; so it is all or nothing.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return soft == resource.RLIM_INFINITY or os.geteuid() == 0


def _hide() -> bool:
    return bool(_libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)


def _lock() -> bool:
    return bool(_libc().mlockall(_CURRENT | _FUTURE | _ON_FAULT) == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)

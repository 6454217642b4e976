"""The witness is killed at random while a log grows: what it answered it still knows afterwards."""

import hashlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from secrets import randbelow

import httpx2

from audit.cosignature import parse_cosigner
from audit.note import split_note, verified_lines
from tests.audit.growing import GrowingLog
from tests.running import COMMAND

ROUNDS = int(os.environ.get("CONSENT_VAULT_TEST_WITNESS_KILLS", "3"))
LOG = GrowingLog()
BASE = [signer.vkey for signer in LOG.signers.base_signers]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}


class RunningWitness:
    """The witness program, started again in the same folder as often as it is killed."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [*COMMAND, "witness", "--data", str(folder), "--port", str(port)]
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def vkeys(self) -> list[str]:
        named = [*self._command, "--name", "w.example", "--show-keys"]
        return subprocess.check_output(named, text=True, env=ENVIRONMENT).split()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self._command, *(word for vkey in BASE for word in ("--log", vkey))],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx2.get(self.url)
            except httpx2.TransportError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the witness did not start")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def size_of(note: bytes) -> int:
    return int(split_note(note)[0].split("\n")[1])


def test_no_answered_cosignature_is_forgotten_however_the_witness_ends(tmp_path: Path) -> None:
    witness = RunningWitness(tmp_path / "w", 20_000 + randbelow(10_000))
    verifiers = [parse_cosigner(vkey) for vkey in witness.vkeys()]
    path = f"{witness.url}/{hashlib.sha256(LOG.origin.encode()).hexdigest()}/checkpoint"
    known = answered = 0
    for _ in range(ROUNDS):
        witness.start()
        if known:
            kept = httpx2.get(path).content
            assert size_of(kept) >= answered
            assert len(verified_lines(kept, verifiers)[1]) == 2
            known = size_of(kept)
        threading.Timer(0.05 + randbelow(500) / 1000, witness.kill).start()
        try:
            with httpx2.Client() as client:
                while True:
                    body = LOG.request(known, known + 1)
                    answer = client.post(f"{witness.url}/add-checkpoint", content=body)
                    assert answer.status_code == 200, answer.text
                    known += 1
                    answered = known
        except httpx2.TransportError:
            pass  # killed: what was asked last may be kept or not
        assert witness.process is not None
        witness.process.wait()
    assert answered > ROUNDS

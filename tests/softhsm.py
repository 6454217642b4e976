"""Tokens of SoftHSM 2, a real PKCS#11 module in software: one folder for each test.

SoftHSM comes with the package softhsm2. A run with CI=true fails without it, elsewhere its tests
are skipped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from vault.providers.pkcs11 import Pkcs11KeyProvider
from vault.providers.pkcs11_token import TokenSession

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LABEL = "vault of a test"
PIN = "482913"
KEY = "consent-vault"
BY_GCM = "slots.mechanisms = ALL"
BY_KEY_WRAP = "slots.mechanisms = CKM_AES_KEY_GEN,CKM_AES_KEY_WRAP_PAD"
NEITHER = "slots.mechanisms = CKM_AES_KEY_GEN,CKM_AES_CBC"


@dataclass(frozen=True)
class SoftToken:
    """A token that has just been initialised."""

    module: Path
    folder: Path

    def session(self, pin: str = PIN, label: str = LABEL) -> TokenSession:
        return TokenSession(self.module, label, pin)

    def provider(self) -> Pkcs11KeyProvider:
        return Pkcs11KeyProvider(self.session(), KEY)

    def objects(self) -> int:
        """How many objects lie in the token's folder."""
        return len([path for path in self.folder.rglob("*.object") if path.stem != "token"])

    def add_token(self, label: str = LABEL) -> None:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        pins = ["--so-pin", "11223344", "--pin", PIN]
        subprocess.run([*command, *pins], check=True, capture_output=True)
        pkcs11.lib(str(self.module)).reinitialize()

    @contextmanager
    def by_hand(self) -> Iterator[pkcs11.Session]:
        """A session that may write, beside those of the provider."""
        token = pkcs11.lib(str(self.module)).get_token(token_label=LABEL)
        try:
            session = token.open(rw=True, user_pin=PIN)
        except pkcs11.UserAlreadyLoggedIn:
            session = token.open(rw=True)
        with session:
            yield session

    def put(self, value: bytes, number: bytes, **changes: Any) -> None:
        """A key of a known value, which no provider of ours ever makes."""
        template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.TOKEN: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.LABEL: KEY,
            Attribute.ID: number,
            Attribute.VALUE: value,
            **dict.fromkeys(_USES, False),
        }
        given = {Attribute[name]: value for name, value in changes.items()}
        with self.by_hand() as session:
            session.create_object(template | given)


_USES = (Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.WRAP, Attribute.UNWRAP)
GCM_USE = {"ENCRYPT": True, "DECRYPT": True}
WRAP_USE = {"WRAP": True, "UNWRAP": True}


@contextmanager
def soft_token(folder: Path, mechanisms: str) -> Iterator[SoftToken]:
    """A token whose files are in the folder, and whose module can do these mechanisms."""
    module = next((Path(path) for path in MODULES if Path(path).exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the tests of tokens must run here and there is no SoftHSM")
        pytest.skip("there is no SoftHSM here: install the package softhsm2 to run this test")
    tokens = folder / "tokens"
    tokens.mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\n"
        f"log.level = ERROR\n{mechanisms}\n"
    )
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("SOFTHSM2_CONF", str(configuration))
        made = SoftToken(module, tokens)
        made.add_token()
        yield made

"""What lies on the disk: no value, no identity code, in no file of the database."""

from pathlib import Path

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from policies.ids import AttributeId
from tests.schema import create_tables
from tests.vault.given import (
    AINO,
    EMPLOYER,
    GROSS,
    KELA,
    NOW,
    STREET,
    catalogue,
    deposited,
    fact,
    released,
    viewed,
)
from vault.people import IDENTITY_SCHEME, enrol, issue_pairwise_subject
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.vault import Vault

CODE = AttributeId("person.identity_code")
EMPLOYER_NAME = "Kanarialintu-Konepaja Oy"
ADDRESS = "Kanarialinnunkuja 77 Ö 3"
SALARY = 987_654_321


def test_no_planted_value_lies_in_the_files_of_the_database(tmp_path: Path) -> None:
    folder = KeyFolder.open_or_create(tmp_path / "keys")
    provider = FileKeyProvider.open_or_create(folder.path)
    index_key = folder.secret("identifier-index")
    vault = Vault(
        provider=provider, index_key=index_key, installation="test", catalogue=catalogue()
    )
    data = tmp_path / "data"
    data.mkdir()
    engine = open_engine(f"sqlite:///{data / 'vault.db'}")
    create_tables(engine)
    ledger = Ledger(engine, provider)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        person = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        issue_pairwise_subject(uow, vault, person, KELA)
    deposited(ledger, vault, person, fact(CODE, AINO))
    deposited(ledger, vault, person, fact(GROSS, SALARY), fact(EMPLOYER, EMPLOYER_NAME))
    deposited(ledger, vault, person, fact(STREET, ADDRESS))
    released(ledger, vault, person, GROSS, EMPLOYER)
    assert len(viewed(ledger, vault, person, CODE, STREET).facts) == 2

    # The write-ahead log is still there: what was written passed through it.
    on_disk = b"".join(path.read_bytes() for path in data.iterdir())
    engine.dispose()
    assert b"vault_record_version" in on_disk
    assert b"income.monthly_gross" in on_disk
    secrets = [path.read_bytes() for path in folder.path.iterdir()]
    assert len(secrets) == 2
    planted = [AINO, EMPLOYER_NAME, ADDRESS, str(SALARY), AINO[:6], AINO[-4:]]
    for needle in [text.encode() for text in planted] + secrets:
        assert needle not in on_disk
    assert SALARY.to_bytes(8, "big") not in on_disk
    assert SALARY.to_bytes(4, "little") not in on_disk

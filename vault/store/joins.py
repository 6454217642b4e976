"""How the tables of the vault belong together: the conditions of joins, each said once."""

from vault.store.tables import deposit, person, person_key, record, version

IS_NEWEST_KEY = (person_key.c.person_id == person.c.person_id) & (
    person_key.c.version == person.c.key_version
)
"""The key that seals what is written now."""

OPENS_VERSION = (person_key.c.person_id == version.c.person_id) & (
    person_key.c.version == version.c.key_version
)
"""The key under which a version is sealed."""

OF_RECORD = (version.c.person_id == record.c.person_id) & (
    version.c.record_id == record.c.record_id
)
"""Every version of a record."""

IS_CURRENT = OF_RECORD & (version.c.version == record.c.current)
"""The version of a record that counts."""

OF_DEPOSIT = (deposit.c.person_id == version.c.person_id) & (
    deposit.c.deposit_id == version.c.deposit_id
)
"""The deposit that brought a version."""

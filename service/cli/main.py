"""The command `consent-vault`: only the names. Each command imports what it needs when it runs,
so that help and completion stay quick.
"""

import click

from service.cli.archive import archive
from service.cli.audit import audit
from service.cli.audit_check import check
from service.cli.audit_forget import forget
from service.cli.audit_new_log import new_log
from service.cli.backup import backup, restore
from service.cli.client import client
from service.cli.db import db
from service.cli.demo import demo
from service.cli.dispute import dispute
from service.cli.doctor import doctor
from service.cli.erase import erase
from service.cli.export import export
from service.cli.import_ import import_
from service.cli.keys import keys
from service.cli.person import person
from service.cli.policy import policy
from service.cli.purpose import purpose
from service.cli.receipt import receipt
from service.cli.role import role
from service.cli.sequence import sequence
from service.cli.serve import serve
from service.cli.witness import witness

_COMMANDS = (demo, serve, sequence, doctor, db, client, purpose, role, keys, erase, audit, witness)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="consent-vault")
def main() -> None:
    """A personal data consent vault: the citizen decides, agencies fetch by token, anybody
    concerned can verify the log."""


main.add_command(person)
main.add_command(policy)
main.add_command(dispute)
main.add_command(receipt)
main.add_command(backup)
main.add_command(restore)
audit.add_command(archive)
audit.add_command(new_log)
main.add_command(import_)
main.add_command(export)
audit.add_command(forget)
for _command in _COMMANDS:
    main.add_command(_command)
audit.add_command(check)

"""The command `consent-vault`: only the names. Each command imports what it needs when it runs,
so that help and completion stay quick.
"""

import click

from service.cli import audit, client, db, demo, doctor, keys, purpose, role, serve


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="consent-vault")
def main() -> None:
    """A personal data consent vault: the citizen decides, agencies fetch by token, anybody
    concerned can verify the log."""


for command in (
    demo.demo,
    serve.serve,
    doctor.doctor,
    db.db,
    client.client,
    purpose.purpose,
    role.role,
    keys.keys,
    audit.audit,
):
    main.add_command(command)

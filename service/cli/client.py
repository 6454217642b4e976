"""`consent-vault client`: the programs of agencies that may ask and fetch."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from consent.clients import Client


@click.group()
def client() -> None:
    """Register the programs of agencies, list them, give one other keys, stop one."""


@client.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@data_option
def add(file: Path, data: Path | None) -> None:
    """Register a client from its metadata (RFC 7591), with its public keys inside.

    FILE is JSON: organisation, client_name, redirect_uris, jwks, grant_types and so on. It works
    while the service runs.
    """
    from audit.unit_of_work import begin
    from consent.clients import ClientMetadataError, register_client
    from service.cli.operator import OPERATOR

    metadata = read_object(file)
    with runtime_of(data) as runtime:
        try:
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                registered = register_client(uow, metadata, runtime.catalogue)
        except ClientMetadataError as error:
            raise Failure(
                f"The client in {file} was not registered.",
                why=f"{error.member}: {error.reason}",
                repair="correct the member and run the command again (docs/agency-developer.md)",
            ) from error
    click.echo(f"registered {registered.id} for {registered.organisation}")


@client.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Show the registered clients."""
    from consent.clients import clients

    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        found = clients(connection)
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found], indent=2))
        return
    for one in found:
        click.echo(f"{one.id}  {one.status}  {one.organisation}  {one.name}")


@client.command()
@click.argument("client_id")
@data_option
def suspend(client_id: str, data: Path | None) -> None:
    """Stop a client: its tokens open nothing from now on."""
    from audit.unit_of_work import begin
    from consent.clients import ClientSuspendedError, UnknownClientError, suspend_client
    from policies.ids import ClientId
    from service.cli.operator import OPERATOR

    with runtime_of(data) as runtime:
        try:
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                suspend_client(uow, ClientId(client_id))
        except UnknownClientError as error:
            raise Failure(
                "No client was suspended.",
                why=f"there is no client {client_id}",
                repair="consent-vault client list shows their ids",
            ) from error
        except ClientSuspendedError as error:
            raise Failure(
                "No client was suspended.",
                why=f"{client_id} has been suspended before",
                repair="nothing is left to do: its tokens open nothing",
            ) from error
    click.echo(f"suspended {client_id}")


@client.command()
@click.argument("client_id")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@data_option
def keys(client_id: str, file: Path, data: Path | None) -> None:
    """Give a client other public keys, in the place of all that it has.

    FILE is a JWK Set (RFC 7517): { "keys": [ … ] }. What an earlier key signs is refused from now
    on. A client that waits for its keys since a restore works again; a suspended one stays so.
    """
    from audit.unit_of_work import begin
    from consent.clients import ClientMetadataError, UnknownClientError, replace_keys
    from policies.ids import ClientId
    from service.cli.operator import OPERATOR

    jwks = read_object(file)
    with runtime_of(data) as runtime:
        try:
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                changed = replace_keys(uow, ClientId(client_id), jwks)
        except UnknownClientError as error:
            raise Failure(
                "No keys were replaced.",
                why=f"there is no client {client_id}",
                repair="consent-vault client list shows their ids",
            ) from error
        except ClientMetadataError as error:
            raise Failure(
                "No keys were replaced.",
                why=f"{error.member}: {error.reason}",
                repair="correct the keys and run the command again (docs/agency-developer.md)",
            ) from error
    click.echo(f"{client_id} has the keys of {file} and is {changed.status}")


def read_object(file: Path) -> Mapping[str, Any]:
    """The JSON object in the file. Raises Failure."""
    try:
        found = json.loads(file.read_bytes())
    except ValueError as error:
        raise Failure(
            f"{file} cannot be read.", why=f"it is not JSON: {error}", repair="correct the file"
        ) from error
    if not isinstance(found, dict):
        raise Failure(
            f"{file} cannot be used.",
            why="it holds no JSON object",
            repair="put the members into one object { … }",
        )
    return found


def _shown(one: "Client") -> dict[str, Any]:
    return json.loads(json.dumps(asdict(one), default=str))  # type: ignore[no-any-return]

"""Runs the revisions on a connection that the caller opened; Alembic executes this file."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from audit.database import Instant, RowNumber
from service.migrations.tables import ROOMS, is_in_model


def _render(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """How a new revision writes our own column types."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        autogen.imports.add("from audit.database import Instant")
        return "Instant()"
    if item is RowNumber:
        autogen.imports.add("from audit.database import RowNumber")
        return "RowNumber"
    # Other types of ours differ from their column in Python only.
    return f"sa.{item.impl_instance!r}" if isinstance(item, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=ROOMS,
    render_item=_render,
    include_object=is_in_model(context.config.attributes["connection"]),
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()

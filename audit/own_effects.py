"""What this room's own rows say happened, for the completeness check."""

from audit.effects import Demand, EffectTable, RoomEffects
from audit.model import Kind
from audit.store.tables import retention

_PRUNED = frozenset({Kind.LOG_PRUNED})

EFFECTS = RoomEffects(
    tables=(EffectTable(table=retention, kinds=_PRUNED, demand=Demand(kinds=_PRUNED)),)
)

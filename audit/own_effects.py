"""What this room's own rows say happened, for the completeness check."""

from audit.effects import Demand, EffectTable, RoomEffects
from audit.model import Kind
from audit.store.tables import epoch, retention

_PRUNED = frozenset({Kind.LOG_PRUNED})
_EPOCH = frozenset({Kind.EPOCH_BEGUN, Kind.EPOCH_CLOSED, Kind.EPOCH_ENDED})

EFFECTS = RoomEffects(
    tables=(
        EffectTable(table=retention, kinds=_PRUNED, demand=Demand(kinds=_PRUNED)),
        EffectTable(table=epoch, kinds=_EPOCH, demand=Demand(kinds=_EPOCH)),
    )
)

"""What this room's rows say happened, for the log's completeness check.

No event about a person demands a row here for ever: it ends when she is erased.
"""

from audit.effects import Demand, EffectTable, RoomEffects, Sealed
from audit.model import Kind
from vault.sealed_check import differing_deposits, people_after
from vault.store import tables

_ROTATION = frozenset({Kind.KEY_ROTATION_BEGUN, Kind.KEY_ROTATION_ENDED})

_ERASED = frozenset({Kind.PERSON_ERASED, Kind.DATA_ERASED})

EFFECTS = RoomEffects(
    tables=(
        EffectTable(table=tables.person, kinds=frozenset({Kind.PERSON_CREATED})),
        EffectTable(table=tables.pairwise, kinds=frozenset({Kind.SUBJECT_ISSUED})),
        EffectTable(table=tables.deposit, kinds=frozenset({Kind.DATA_DEPOSITED})),
        EffectTable(table=tables.erasure, kinds=_ERASED, demand=Demand(kinds=_ERASED)),
        EffectTable(table=tables.unwanted, kinds=frozenset({Kind.DATA_ERASED})),
        EffectTable(table=tables.former, kinds=frozenset({Kind.PERSON_MERGED})),
        EffectTable(table=tables.former_subject, kinds=frozenset({Kind.SUBJECT_ISSUED})),
        EffectTable(
            table=tables.dispute,
            kinds=frozenset({Kind.DATA_DISPUTED, Kind.DISPUTE_SETTLED}),
        ),
        EffectTable(table=tables.imported, kinds=frozenset({Kind.DATA_IMPORTED})),
        EffectTable(table=tables.resealed, kinds=frozenset({Kind.DATA_RESEALED})),
        EffectTable(table=tables.key_rotation, kinds=_ROTATION, demand=Demand(kinds=_ROTATION)),
    ),
    sealed=(Sealed(name="deposit", people=people_after, differing=differing_deposits),),
)

"""What the rows of every room say happened, for the log's completeness check."""

from audit.effects import EffectTable, RoomEffects
from audit.model import Kind
from audit.own_effects import EFFECTS as AUDIT
from consent.effects import EFFECTS as CONSENT
from service.store import tables
from vault.effects import EFFECTS as VAULT

_MERGE = frozenset({Kind.MERGE_PROPOSED, Kind.MERGE_APPROVED, Kind.MERGE_REJECTED})
_ACT = frozenset({Kind.ACT_PROPOSED, Kind.ACT_APPROVED, Kind.ACT_REJECTED})

_SERVICE = RoomEffects(
    tables=(
        EffectTable(table=tables.session, kinds=frozenset({Kind.SIGNED_IN})),
        EffectTable(table=tables.sign_in, kinds=frozenset({Kind.SIGN_IN_BEGUN})),
        EffectTable(table=tables.role, kinds=frozenset({Kind.ROLE_GRANTED})),
        EffectTable(table=tables.merge, kinds=_MERGE),
        EffectTable(table=tables.proposed_act, kinds=_ACT),
        EffectTable(table=tables.idempotency_key, kinds=frozenset({Kind.DATA_DEPOSITED})),
    )
)

EVERY_ROOM = (AUDIT, CONSENT, VAULT, _SERVICE)

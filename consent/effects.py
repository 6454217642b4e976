"""What this room's rows say happened, for the log's completeness check."""

from functools import partial

from audit.effects import Demand, EffectTable, Near, RoomEffects
from audit.model import Kind
from consent.issuing import ACCESS_LIFETIME
from consent.store import decision_tables, declaration_tables, invalid_tables, shown_tables, tables
from consent.store import effects as store
from consent.store.deposit_tokens import KEPT_AFTER_END as DEPOSIT_TOKEN_KEPT_AFTER_END
from consent.store.tokens import KEPT_AFTER_END

_ANSWERED = frozenset(
    {
        Kind.CONSENT_GIVEN,
        Kind.CONSENT_REFUSED,
        Kind.CONSENT_NARROWED,
        Kind.CONSENT_RENEWED,
        Kind.CONSENT_SUSPENDED,
        Kind.CONSENT_RESUMED,
        Kind.CONSENT_REVOKED,
        Kind.CONSENT_INVALIDATED,
    }
)
_CHANGED = _ANSWERED | {
    Kind.CONSENT_WITHDRAWN,
    Kind.CONSENT_CHANGED,
    Kind.CONSENT_EXPIRED,
    Kind.CONSENT_LAPSED,
    Kind.CONSENT_CANCELLED,
}
_DECLARED = frozenset(
    {
        Kind.PURPOSE_REGISTERED,
        Kind.DECLARATION_DRAFTED,
        Kind.DECLARATION_CHANGED,
        Kind.DECLARATION_SUBMITTED,
        Kind.DECLARATION_SENT_BACK,
        Kind.DECLARATION_APPROVED,
        Kind.DECLARATION_SUSPENDED,
        Kind.DECLARATION_RESUMED,
        Kind.DECLARATION_RETIRED,
    }
)
_WAITING = frozenset({Kind.CONSENT_REQUESTED, Kind.CONSENT_DEFERRED})
_ISSUED = frozenset({Kind.TOKEN_ISSUED})
_DECIDED = _ISSUED | {Kind.TOKEN_REFUSED, Kind.DATA_RELEASED, Kind.DATA_REFUSED}

EFFECTS = RoomEffects(
    tables=(
        EffectTable(
            table=tables.client,
            kinds=frozenset(
                {Kind.CLIENT_REGISTERED, Kind.CLIENT_SUSPENDED, Kind.CLIENT_KEYS_REPLACED}
            ),
        ),
        EffectTable(
            table=tables.purpose,
            kinds=frozenset({Kind.PURPOSE_REGISTERED}),
            demand=Demand(kinds=frozenset({Kind.PURPOSE_REGISTERED})),
        ),
        EffectTable(table=declaration_tables.declaration, kinds=_DECLARED),
        EffectTable(table=decision_tables.decision, kinds=_DECIDED),
        EffectTable(
            table=tables.pushed_request,
            kinds=frozenset({Kind.REQUEST_PUSHED, Kind.CONSENT_REQUESTED}),
        ),
        EffectTable(table=tables.consent, kinds=_CHANGED | _WAITING),
        EffectTable(table=tables.record, kinds=_CHANGED, demand=Demand(kinds=_ANSWERED)),
        EffectTable(
            table=tables.code,
            kinds=frozenset({Kind.CODE_ISSUED}),
            demand=Demand(kinds=frozenset({Kind.CODE_ISSUED})),
        ),
        EffectTable(
            table=tables.token,
            kinds=_ISSUED,
            demand=Demand(
                kinds=_ISSUED,
                kept=KEPT_AFTER_END,
                near=Near(tables.token.c.expires_at, ACCESS_LIFETIME),
            ),
        ),
        EffectTable(
            table=tables.deposit_token,
            kinds=frozenset({Kind.DEPOSIT_ALLOWED}),
            demand=Demand(
                kinds=frozenset({Kind.DEPOSIT_ALLOWED}), kept=DEPOSIT_TOKEN_KEPT_AFTER_END
            ),
        ),
        EffectTable(table=tables.receipt, kinds=_CHANGED),
        EffectTable(
            table=shown_tables.notice_version,
            kinds=frozenset({Kind.PURPOSE_REGISTERED}),
        ),
        EffectTable(table=shown_tables.presentation, kinds=_CHANGED),
        EffectTable(table=invalid_tables.flagged, kinds=frozenset({Kind.CONSENT_INVALIDATED})),
        EffectTable(
            table=invalid_tables.assessment,
            kinds=frozenset({Kind.CONSENT_INVALIDATED, Kind.BREACH_ASSESSED}),
            demand=Demand(kinds=frozenset({Kind.BREACH_ASSESSED})),
        ),
        EffectTable(table=tables.notice, kinds=_CHANGED | {Kind.RECIPIENT_TOLD}),
    ),
    expected=(
        ("redeemed codes", partial(store.redeemed_codes, kinds=_ISSUED)),
        # Whatever ended them: a withdrawal, the client's wish, or a code that came twice.
        ("dead codes", partial(store.dead_codes, kinds=frozenset(Kind))),
        ("revoked tokens", partial(store.revoked_tokens, kinds=frozenset(Kind))),
    ),
    used=(("uses of consents", store.uses),),
)

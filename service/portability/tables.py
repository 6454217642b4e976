"""Which table about people stands where in the copy, and why some do not. A test compares both
lists with the tables of every room, so that a new one is not forgotten.
"""

from collections.abc import Mapping

from service.i18n import N_

IN_THE_COPY: Mapping[str, str] = {
    "vault_person": "person",
    "vault_identifier": "person.identifiers",
    "vault_pairwise": "person.pseudonyms",
    "vault_former": "person.former_records",
    "vault_former_subject": "person.pseudonyms",
    "vault_deposit": "values",
    "vault_record": "values",
    "vault_record_version": "values",
    "vault_dispute": "disputes",
    "vault_unwanted": "unwanted",
    "vault_erasure": "erasures",
    "vault_erasure_statement": "erasures",
    "consent_consent": "consents",
    "consent_record": "consents.records",
    "consent_receipt": "consents.receipts",
    "service_role": "person.roles",
    "audit_about": "log",
    "audit_acted": "log",
    "audit_head": "log",
}
LEFT_OUT: Mapping[str, str] = {
    "vault_person_key": N_("The keys that seal the values. They say nothing about you."),
    "vault_resealed": N_("Fingerprints of sealed values. They say nothing about you."),
    "consent_pushed_request": N_(
        "Requests that you have not opened yet. Once opened, they stand among your permissions."
    ),
    "consent_presentation": N_(
        "Fingerprints of what was shown to you. Your answers stand among your permissions."
    ),
    "consent_flagged": N_(
        "Marks on fetches whose permission turned out not to be valid. They stand in your log."
    ),
    "consent_assessment": N_("What such a mark led to. That stands in your log."),
    "consent_token": N_(
        "Fingerprints of access codes. To whom they were given stands in your log."
    ),
    "consent_notice": N_(
        "Messages to those who have your data. That they were told stands in your log."
    ),
    "service_session": N_(
        "Fingerprints of your sessions in this service. Your sign-ins stand in your log."
    ),
}
"""What it is, and why it is not there: in English here, in the person's language on the page."""

"""Which table about people stands where in the copy, and why some do not. A test compares both
lists with the tables of every room, so that a new one is not forgotten.
"""

from collections.abc import Mapping

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
    "vault_person_key": "keys that seal the values; they say nothing of you",
    "vault_resealed": "digests of sealed values; they say nothing of you",
    "consent_pushed_request": "requests not answered yet; once opened they are among the consents",
    "consent_token": "digests of secrets; that and to whom they were given stands in the log",
    "consent_notice": "what recipients were told; that they were told stands in the log",
    "service_session": "digests of secrets; your sign-ins stand in the log",
}

"""Errors as the outside sees them: one table from error class to problem type and status.

Domain errors know nothing of HTTP; this table does. What a caller reads comes from here and never
from `str(error)`. A test finds the domain errors that stand in none of the lists; those of the
last three never reach a caller, and if one does, it is our fault and a 500.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException

from audit.key_errors import KeysUnavailableError
from audit.merkle import ProofError
from audit.outside_journal import JournalError
from audit.tiles import TileError
from connectors.sign_in_errors import ProviderUnavailableError, SignInError
from consent.choices import UnknownConsentError
from consent.client_metadata import ClientMetadataError
from consent.clients import ClientSuspendedError, UnknownClientError
from consent.conditions import ChoiceError
from consent.declarations import (
    DeclarationVersionError,
    NoSuchDeclarationError,
    OtherDeclarationError,
    OwnDeclarationError,
)
from consent.declared import DeclarationStepError
from consent.flagging import NoAssessmentError
from consent.lifecycle import GuardError, IllegalTransitionError, WrongPartyError
from consent.pushed import RequestUriError
from consent.tokens import CodeNotIssuedError
from service.access import RoleRequiredError, StepUpRequiredError
from service.api.proofs import NotInLogError
from service.api.refusals import NOT_IN_LOG, TOO_MANY
from service.citizen.erasure import NoSuchErasureError
from service.citizen.question import NoSuchRequestError
from service.citizen.receipts import NoSuchReceiptError
from service.forms import FormError
from service.merging import NotOpenError, OwnMergeError, SameOperatorError, StaffMergeError
from service.oauth.errors import OAuthError
from service.problem import Problem
from service.sessions import SignInRequiredError
from service.signin import NoIdentityProviderError
from service.two_people import ActNotOpenError, ActProposedError, OwnActError, UnseenContentError
from vault.disputes import AlreadyDisputedError, NoSuchDisputeError, NothingToDisputeError
from vault.erasure import KeptError
from vault.principals import OtherKindError

INTERNAL = Problem("internal-error", 500, "Something went wrong at our end")
NOT_FOUND = Problem("not-found", 404, "There is nothing at this address")
BAD_REQUEST = Problem("bad-request", 400, "The request could not be understood")
FOREIGN_ORIGIN = Problem("foreign-origin", 403, "The form did not come from our own page")
TOO_LARGE = Problem("too-large", 413, "The request is too large")
METHOD = Problem("method-not-allowed", 405, "This address does not take such a request")
AUDIT_QUESTION = Problem("audit-question-not-valid", 422, "The question was not understood")
NOTHING_SIGNED = Problem("nothing-signed", 409, "The log has signed nothing of that size yet")
NOT_A_DECLARATION = Problem("declaration-not-valid", 422, "The declaration cannot be taken")
NOT_A_CLIENT = Problem("client-not-valid", 422, "The client cannot be registered like this")
_SECOND = Problem("second-operator-needed", 409, "Another operator must approve this")
_CHANGED = Problem("changed-meanwhile", 409, "Something has changed meanwhile; look again")
_NOT_ALLOWED = Problem("transition-not-allowed", 409, "This is not possible for it as it stands")

PROBLEMS: Mapping[type[Exception], Problem] = {
    SignInRequiredError: Problem("sign-in-required", 401, "Please sign in first"),
    RoleRequiredError: Problem("role-required", 403, "This page is for somebody else"),
    StepUpRequiredError: Problem("step-up-required", 403, "Please sign in with a stronger method"),
    NoIdentityProviderError: Problem(
        "no-identity-provider", 503, "Signing in is not possible at the moment"
    ),
    ProviderUnavailableError: Problem(
        "identity-provider-unavailable", 503, "Signing in is not possible at the moment"
    ),
    SignInError: Problem("sign-in-refused", 400, "The sign-in did not succeed"),
    FormError: Problem("form-not-valid", 400, "This page is out of date; open it again"),
    UnknownConsentError: Problem("no-such-consent", 404, "There is no such consent of yours"),
    NoSuchRequestError: Problem("no-such-request", 404, "There is no such request to you"),
    NoSuchReceiptError: Problem("no-such-receipt", 404, "There is no such receipt of yours"),
    NoSuchErasureError: Problem("no-such-erasure", 404, "There is no such data or statement"),
    ChoiceError: Problem("choice-not-possible", 409, "This answer cannot be taken"),
    NoAssessmentError: _CHANGED,
    IllegalTransitionError: _NOT_ALLOWED,
    WrongPartyError: _NOT_ALLOWED,
    GuardError: _NOT_ALLOWED,
    NotOpenError: _CHANGED,
    SameOperatorError: _CHANGED,
    OwnMergeError: _CHANGED,
    StaffMergeError: _CHANGED,
    OtherKindError: _CHANGED,
    NothingToDisputeError: _CHANGED,
    AlreadyDisputedError: _CHANGED,
    NoSuchDisputeError: _CHANGED,
    NoSuchDeclarationError: Problem("no-such-declaration", 404, "There is no such declaration"),
    DeclarationVersionError: Problem(
        "not-the-next-version", 409, "The declaration needs the next version, when none waits"
    ),
    DeclarationStepError: _CHANGED,
    OtherDeclarationError: _CHANGED,
    UnseenContentError: _CHANGED,
    UnknownClientError: Problem("no-such-client", 404, "There is no such client"),
    ClientSuspendedError: _CHANGED,
    ClientMetadataError: NOT_A_CLIENT,
    ActNotOpenError: _CHANGED,
    ActProposedError: Problem("proposed-already", 409, "This has been proposed already"),
    OwnDeclarationError: _SECOND,
    OwnActError: _SECOND,
    RequestUriError: Problem("request-not-open", 404, "This request is not open any more"),
    CodeNotIssuedError: Problem(
        "no-return", 409, "You have gone back to the service before, or the consent has ended"
    ),
    KeysUnavailableError: Problem(
        "keys-unavailable", 503, "The data cannot be opened at the moment"
    ),
    NotInLogError: NOT_IN_LOG,
    TileError: NOT_FOUND,
    ProofError: NOT_FOUND,
    OAuthError: BAD_REQUEST,
    JournalError: Problem("journal-not-writable", 503, "Nothing can be erased at the moment"),
    KeptError: Problem("not-erasable", 409, "This cannot be erased at your wish"),
}

STOP_THE_START_OR_A_COMMAND = frozenset(
    {
        "audit.archive_files.ArchiveFileError",
        "audit.bundle.NothingToExportError",
        "audit.bundle_files.BundleFileError",
        "audit.check_cursor.CursorError",
        "audit.container.ContainerError",
        "audit.epochs.StillNeededError",
        "audit.event_proof.EventProofError",
        "audit.faults.BundleError",
        "audit.key_errors.KeyProviderError",
        "audit.promise.PromiseError",
        "audit.rollback.ForkedError",
        "audit.rollback.NothingLostError",
        "audit.timestamp.LibraryMissingError",
        "audit.timestamp.RootsError",
        "audit.timestamp.UntrustedAuthorityError",
        "audit.tlog_proof.TlogProofError",
        "audit.trust.QuorumError",
        "audit.trust.StaleError",
        "audit.trust_policy.PolicyError",
        "audit.verification.QuestionError",
        "connectors.client_keys.UnusableKeyError",
        "connectors.documents.MalformedDocumentError",
        "connectors.ports.SourceUnavailableError",
        "consent.answer_seal.AnswerSealError",
        "consent.decision_records.DecisionDamagedError",
        "consent.notice_versions.EditorialChangeError",
        "consent.purposes.PurposeVersionError",
        "consent.receipt_jws.ReceiptError",
        "consent.receipt_jws.SigningKeyError",
        "policies.data_files.CatalogueError",
        "policies.plain_language.UnplainTextError",
        "policies.purposes.DeclarationError",
        "policies.rule_form.PolicySetError",
        "policies.schemas.SchemaError",
        "policies.text.PlaceholderError",
        "policies.text.TextError",
        "policies.what_if.WhatIfError",
        "service.keys_fit.KeysDoNotFitError",
        "service.log_keys.NoRotationUnderWayError",
        "service.log_keys.RotationUnderWayError",
        "service.package_names.ForeignPackageError",
        "service.pulling.NobodyToAskAboutError",
        "service.settings.SettingsError",
        "service.witness.keys.NoNameError",
        "service.witness.keys.OtherNameError",
        "service.portability.reading.ExportError",
        "vault.documents.RefusedDocumentError",
        "vault.importing.ReportError",
        "vault.replay.UnknownDatasetError",
        "vault.key_ring.NotBegunError",
        "vault.key_ring.NothingToFinishError",
        "vault.key_ring.TooEarlyError",
        "vault.merging.SamePersonError",
        "vault.people.IdentifierTakenError",
        "vault.providers.file.KeyFileError",
        "vault.providers.file.KeyPermissionsError",
    }
)
"""Full names; an operator or a verifier reads them, in the words of the command."""

TURNED_INTO_ANOTHER = frozenset(
    {
        "audit.der.DerError",
        "audit.journal_line.JournalLineError",
        "audit.sampling.SampleError",
        "audit.timestamp.TimestampError",
        "audit.witness.WitnessRefusalError",
        "audit.witnessing.WitnessError",
        "connectors.bounded_http.InsecureUrlError",
        "connectors.bounded_http.UnboundedAnswerError",
        "connectors.json_document._NotStrictError",
        "connectors.ports.TimestampingError",
        "connectors.scalars.ScalarError",
        "connectors.xml_document._NotBoundedError",
        "consent.authorization_details.AuthorizationDetailsError",
        "consent.jwk.JwkError",
        "consent.pushed.PushedRequestError",
        "consent.strict_json.StrictJsonError",
        "policies.business_id.InvalidBusinessIdError",
        "policies.deposit_document.DepositDocumentError",
        "policies.identity_code.InvalidIdentityCodeError",
        "policies.limits.TooWideError",
        "service.api.deposits.DepositRefusedError",
        "service.api.tokens.TokenError",
        "service.auditor.fields.AuditQuestionError",
        "service.auditor.samples.NothingToSampleError",
        "service.base64url.Base64UrlError",
        "service.forms._NothingHappenedError",
        "service.idempotency.IdempotencyKeyError",
        "service.jose.JwsError",
        "service.jwk.JwkError",
        "service.jwk.SignatureError",
        "service.pseudonyms.UnknownPseudonymError",
        "vault.people.InvalidIdentifierError",
        "vault.providers.environment.KeySecretsError",
        "vault.stated.DepositSignatureError",
    }
)
"""Full names; caught where they arise, and answered in the form of their protocol."""

DAMAGE_OR_OUR_FAULT = frozenset(
    {
        "audit.checkpoint.CheckpointError",
        "audit.disclosure.DisclosureError",
        "audit.note.NoteError",
        "audit.person_chain.ChainError",
        "audit.seal.SealedEventError",
        "policies.canonical.NotCanonicalError",
        "policies.entries.UnknownCatalogueEntryError",
        "service.i18n.MissingTextError",
        "vault.envelope.SealError",
        "vault.people.UnknownPersonError",
    }
)
"""Full names; a stored row that does not open, or a mistake of ours: a 500, and nothing given."""

NEVER_REACH_A_CALLER = STOP_THE_START_OR_A_COMMAND | TURNED_INTO_ANOTHER | DAMAGE_OR_OUR_FAULT

_BY_STATUS = {each.status: each for each in (NOT_FOUND, METHOD, TOO_LARGE, TOO_MANY, BAD_REQUEST)}


def problem_of(error: Exception) -> Problem:
    """The problem of an error, by its class or the nearest of its parents."""
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, BAD_REQUEST)
    return next((PROBLEMS[c] for c in type(error).__mro__ if c in PROBLEMS), INTERNAL)

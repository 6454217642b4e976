"""The page of a random sample, and the files in which it is taken out."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.model import Kind
from consent.purposes import purposes_in_force
from policies.vocabulary import Language
from service.auditor import words
from service.auditor.fields import AuditQuestionError
from service.auditor.sample_files import as_csv, as_json
from service.auditor.samples import (
    Drawn,
    NothingToSampleError,
    draw,
    fields_of,
    read_sample,
)
from service.auditor.search import LOOK, Sent, choices, page
from service.forms import open_form
from service.pages import render, runtime_of, see_other, use_form
from service.sessions import require_session

router = APIRouter(include_in_schema=False)

FILES = {"json": (as_json, "application/json"), "csv": (as_csv, "text/csv; charset=utf-8")}


@router.post("/{language:lang}/audit/sample")
def sample(request: Request, language: Language, sent: Sent) -> Response:
    """The drawn entries, after the event; or the form again with what was wrong."""
    drawn = _drawn(request, language, sent, Kind.LOG_SAMPLED)
    if isinstance(drawn, Response):
        return drawn
    runtime, question = runtime_of(request), drawn.question
    with runtime.ledger.read() as connection:
        purposes = purposes_in_force(connection)
    return render(
        request,
        "auditor/sample.html",
        question=question,
        fields=fields_of(question),
        indexes=[each.index for each in drawn.evidence],
        without=[each.index for each in drawn.evidence if each.entry is None],
        found=[words.told(runtime, purposes, row, language) for row in drawn.rows if row],
        form=use_form(request, require_session(request), LOOK),
        **choices(runtime, purposes.values(), language),
    )


@router.post("/{language:lang}/audit/sample/file")
def file(request: Request, language: Language, sent: Sent) -> Response:
    """The same sample as a file, after the event which says that it was taken out."""
    drawn = _drawn(request, language, sent, Kind.LOG_EXPORTED)
    if isinstance(drawn, Response):
        return drawn
    question = drawn.question
    name = "csv" if sent.get("format") == "csv" else "json"
    make, media_type = FILES[name]
    headers = {
        "Content-Disposition": f'attachment; filename="sample-{question.log}-'
        f'{question.sample.size}.{name}"'
    }
    return Response(make(runtime_of(request), drawn), media_type=media_type, headers=headers)


def _drawn(
    request: Request, language: Language, sent: dict[str, str], kind: Kind
) -> Drawn | Response:
    """The drawn entries, after the event of that kind; or the answer that says why not."""
    runtime, session = runtime_of(request), require_session(request)
    open_form(session, sent.get("form", ""), use=LOOK, now=runtime.now())
    try:
        with runtime.ledger.read() as connection:
            question = read_sample(connection, sent)
        return draw(runtime, session, question, kind)
    except AuditQuestionError as error:
        return page(request, language, given=sent, faults=error.faults, asked="sample")
    except NothingToSampleError:
        return see_other(f"/{language}/audit")

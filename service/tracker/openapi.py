"""What OpenAPI says of the tracker's API: the schemas of Andmejälgija 2.1.0, and who may ask."""

from typing import Any

_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time", "example": "2021-01-31T10:20:30Z"}
_COUNT = {"type": "integer", "format": "int32"}
_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_USAGE = {
    "type": "object",
    "required": ["logtime", "action", "receiverCode", "receiverSystem"],
    "properties": {
        "logtime": {**_MOMENT, "description": "When"},
        "action": {**_TEXT, "description": "What was done and why, in words"},
        "receiverCode": {
            **_TEXT,
            "description": "Registry code of the body; the service's own address where none acted",
        },
        "receiverName": {**_TEXT, "description": "Name of the body"},
        "receiverSystem": {**_TEXT, "description": "Name of its information system"},
    },
}
_FOUND = {
    "type": "object",
    "properties": {
        "totalUsages": {**_COUNT, "description": "All that there are, whatever limit and offset"},
        "usages": {"type": "array", "items": _USAGE},
    },
}
_PERIOD = {
    "type": "object",
    "required": ["periodStart"],
    "properties": {"periodStart": {**_MOMENT, "description": "Entries are kept from then on"}},
}
_HEARTBEAT = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string", "enum": ["OK", "FAIL"]}, "message": _TEXT},
}
_ABOUT_HERSELF = (
    "Only about the signed-in person, by the session of her browser. So `X-Road-UserId` and"
    " `userCode` of the original are not taken: a personal identity code must not stand in an"
    " address. Each call is an event in her log, committed before the answer."
)


def _answers(schema: dict[str, Any], *, session: bool = True) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/json": {"schema": schema}}},
        "4XX": {"description": "Not understood, or signed in too weakly", **_PROBLEM},
    }
    if session:
        answers[401] = {"description": "Nobody is signed in", **_PROBLEM}
    return answers


FIND_USAGE: dict[str, Any] = {
    "summary": "What was done with the person's data, newest first",
    "description": _ABOUT_HERSELF,
    "responses": _answers(_FOUND),
}
USAGE_PERIOD: dict[str, Any] = {
    "summary": "How far back the log goes",
    "responses": _answers(_PERIOD),
}
HEARTBEAT: dict[str, Any] = {
    "summary": "Whether the log can be asked",
    "responses": _answers(_HEARTBEAT, session=False),
}
"""Arguments of the routes."""

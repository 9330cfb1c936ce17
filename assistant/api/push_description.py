"""The calls with which programs push documents, in OpenAPI's words."""

from __future__ import annotations

from assistant.api.pushing import LONGEST_NAME, MOST_GROUPS
from assistant.api.schemas import MOMENT, TEXT, TRUTH, WHOLE, Schema, closed, either, listed, ref
from assistant.sync.pushing import MOST_DELETED, MOST_DOCUMENTS, PUT_STATUSES

_ACL = (
    'One clause or {"all": [clause, ...]}. A clause is {"allow": [P, ...], "deny": [P, ...]}, the denies '
    'first, or {"entries": [["allow" or "deny", P, expiry?], ...]} in order. P is user:EMAIL, account:ID, '
    "group:ID or everyone. Without an acl nobody sees the document."
)


def described_pushing() -> dict[str, tuple[str, str, str, str]]:
    """By path: method, summary, and the names of the schemas of answer and body (empty: none)."""
    base = "/sources/{source_id}"
    return {
        f"{base}/documents": ("post", "Put documents.", "PutResults", "PutDocuments"),
        f"{base}/documents/delete": ("post", "Delete documents.", "DeleteResults", "DeleteDocuments"),
        f"{base}/groups": ("post", "Put or delete groups and accounts.", "GroupResults", "PutGroups"),
        f"{base}/jobs": ("post", "Start a job; with the same name again: show it.", "Job", "StartJob"),
        f"{base}/jobs/{{job_id}}": ("get", "How far a job is.", "Job", ""),
        f"{base}/jobs/{{job_id}}/stop": (
            "post",
            "Stop a job. After a complete one, what was not put since its start is deleted.",
            "Job",
            "StopJob",
        ),
    }


def push_schemas() -> dict[str, Schema]:
    """The schemas that these calls name."""
    return {**_bodies(), **_answers()}


def _bodies() -> dict[str, Schema]:
    job = _about(WHOLE, "Refuse the request unless this job is open.")
    member = _about(TEXT, "user:EMAIL, account:ID, group:ID or everyone")
    address = _about(TEXT, "An address that is verified.")
    return {
        "PushedDocument": _document(),
        "PushedGroup": closed(group=TEXT, members=listed(member)),
        "PushedAccount": _open(("account",), account=TEXT, email=address),
        "PutDocuments": _open(
            ("documents",), documents=_list(ref("PushedDocument"), MOST_DOCUMENTS), job=job
        ),
        "DeleteDocuments": _open(("ids",), ids=_list(TEXT, MOST_DELETED), job=job),
        "PutGroups": _open(
            (),
            groups=_list(ref("PushedGroup"), MOST_GROUPS),
            accounts=_list(ref("PushedAccount"), MOST_GROUPS),
            delete=_list(TEXT, MOST_GROUPS),
            replace=_about(TRUTH, "These are all groups and accounts there are."),
            job=job,
        ),
        "StartJob": _open((), name={**TEXT, "maxLength": LONGEST_NAME}),
        "StopJob": _open((), complete=TRUTH, groups_complete=TRUTH),
    }


def _document() -> Schema:
    acl: Schema = {"type": "object", "description": _ACL}
    return _open(
        ("id",),
        id={**TEXT, "minLength": 1, "maxLength": 512},
        title=TEXT,
        text=_about(TEXT, "The content. With a name or a media type it is parsed as that."),
        base64=_about(TEXT, "The content, instead of text: a file of any kind that can be parsed."),
        name=_about(TEXT, "A file name, whose extension says the kind."),
        media_type=TEXT,
        url=TEXT,
        modified=MOMENT,
        attributes={"type": "object"},
        acl=acl,
        checksum=_about(TEXT, "SHA-256 of the content in hexadecimal; another content is refused."),
    )


def _answers() -> dict[str, Schema]:
    told: dict[str, Schema] = {"code": TEXT, "message": TEXT}
    statuses: Schema = {"type": "string", "enum": list(PUT_STATUSES)}
    deleted: Schema = {"type": "string", "enum": ["deleted"]}
    stored: Schema = {"type": "string", "enum": ["stored", "failed"]}
    return {
        "PutResults": closed(documents=listed(closed(id=TEXT, status=statuses, **told))),
        "DeleteResults": closed(documents=listed(closed(id=TEXT, status=deleted, **told))),
        "GroupResults": closed(
            groups=listed(
                either(closed(group=TEXT, status=stored, **told), closed(account=TEXT, status=stored, **told))
            ),
            confirmed_at=MOMENT,
        ),
        "Job": closed(
            job=WHOLE,
            state=TEXT,
            added=WHOLE,
            updated=WHOLE,
            unchanged=WHOLE,
            deleted=WHOLE,
            failed=WHOLE,
            missing=WHOLE,
        ),
    }


def _open(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(item: Schema, most: int) -> Schema:
    return {**listed(item), "maxItems": most}


def _about(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}

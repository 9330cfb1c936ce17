"""Mistakes in who reads a private document, and the check that must notice them."""

from __future__ import annotations

from assistant.access import visibility
from assistant.access.door import may_still_read
from assistant.access.viewer import viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import User
from assistant.documents.models import Document, Hidden
from assistant.ingest.private import new_private_document
from tests.security.mistake import swap


def a_private_document_is_its_owner_s_alone() -> None:
    """By both forms of the rule that know of owners, and by no listing."""
    owner, other = (User.objects.create_user(f"{name}@private.example") for name in ("owner", "other"))
    document = new_private_document(owner_id=owner.pk, name="plan.md", media_type="")
    assert not visible(owner, document)  # no text yet
    Document.every.filter(pk=document.pk).update(version=1)
    assert visible(owner, document)
    assert not visible(other, document)
    assert not visible_documents(viewer_for(owner)).exists()
    Document.every.filter(pk=document.pk).update(hidden=Hidden.PERMISSIONS)
    assert not visible(owner, document)
    Document.every.filter(pk=document.pk).update(hidden=Hidden.NO)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not visible(owner, document)


def visible(user: User, document: Document) -> bool:
    """What both forms say, which must be the same."""
    viewer, row = viewer_for(user), Document.every.get(pk=document.pk)
    allowed = may_still_read(viewer, [document.pk])
    assert may_read(viewer, row) == allowed
    return allowed


WITH_PRIVATE_DOCUMENTS = tuple(
    swap(f"private: {name}", a_private_document_is_its_owner_s_alone, function, change)
    for name, function, change in (
        ("anybody is the owner", visibility.own_documents, ("owner=viewer.user_id", "owner__gt=0")),
        ("a closed account reads", visibility.own_documents, (", is_active=True", "")),
        ("one without text is shown", visibility.visible_documents, ("version__gt=0, ", "")),
        ("hidden is ignored", visibility.visible_documents, (", hidden=Hidden.NO", "")),
        (
            "a listing holds it",
            visibility.visible_documents,
            ("if among is None:\n        return documents.filter(of_sources)", "among = among or Q()"),
        ),
        (
            "object: anybody is the owner",
            visibility.may_read,
            ("document.owner_id == viewer.user_id and ", ""),
        ),
        ("object: a closed account reads", visibility.may_read, (" and _active(viewer) is not None", "")),
        ("object: one without text is shown", visibility.may_read, ("own and document.version > 0", "own")),
        (
            "object: hidden is ignored",
            visibility.may_read,
            ("version > 0 and not document.hidden\n", "version > 0\n"),
        ),
    )
)

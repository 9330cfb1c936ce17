"""What SCIM refuses, in the words of RFC 7644 (section 3.12)."""

from __future__ import annotations

from assistant.common.errors import MundapError


class ScimError(MundapError):
    """Answered to the client with this status; `kind` is its `scimType`, empty where the RFC has none."""

    def __init__(self, status: int, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.kind = status, kind


def bad_value(sentence: str) -> ScimError:
    """A value is missing, of another type or not allowed."""
    return ScimError(400, "invalidValue", sentence)


def bad_syntax(sentence: str) -> ScimError:
    """The body is not what the operation takes."""
    return ScimError(400, "invalidSyntax", sentence)


def bad_filter(sentence: str) -> ScimError:
    """A filter cannot be read, or compares what cannot be compared."""
    return ScimError(400, "invalidFilter", sentence)


def bad_path(sentence: str) -> ScimError:
    """A path of PATCH cannot be read or names nothing."""
    return ScimError(400, "invalidPath", sentence)


def read_only(name: str) -> ScimError:
    """Only Mundap sets it."""
    return ScimError(400, "mutability", f"The attribute '{name}' can only be read.")


def not_there() -> ScimError:
    """Not there, or another client's: the two are never told apart."""
    return ScimError(404, "", "There is no such resource.")


def taken(sentence: str) -> ScimError:
    """Something of that name is there already."""
    return ScimError(409, "uniqueness", sentence)

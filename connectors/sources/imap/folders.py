"""Which folders of a mailbox are read?

Not those that hold what their owner threw away, never sent or never asked for, not
views of other folders, and not what other people have shared into the mailbox.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from imapclient import imap_utf7

from assistant.common.told import told
from connectors.sdk.exact_json import shown
from connectors.sdk.folder_names import folded
from connectors.sdk.names import id_problem

_CLOSED = frozenset({"\\noselect", "\\nonexistent"})
_UNWANTED = frozenset({"\\trash", "\\junk", "\\drafts", "\\all", "\\flagged", "\\important"})
# What programs call these folders where the server does not mark them.
_UNWANTED_NAMES = frozenset(
    {
        "trash", "deleted", "deleted items", "deleted messages", "junk", "junk e-mail", "spam", "bulk mail",
        "drafts", "휴지통", "지운 편지함", "스팸", "스팸메일함", "스팸편지함", "정크 메일", "임시 보관함",
        "임시보관함",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the server lists it. `raw`: its name in the server's spelling; `flags` in lower case."""

    raw: bytes
    name: str
    delimiter: str
    flags: frozenset[str] = frozenset()
    problem: str = ""


def listed_folder(raw: bytes, delimiter: str, flags: Iterable[str]) -> Folder:
    """A line of the server's list. Its name is modified UTF-7 (RFC 3501), which it must spell in the one way.

    Otherwise two folders could have one name, or a name could end the command that opens it.
    """
    lowered = frozenset(flag.lower() for flag in flags)
    try:
        name = imap_utf7.decode(raw)
        exact = isinstance(name, str) and imap_utf7.encode(name) == raw
    except (UnicodeError, ValueError):
        exact = False
    if not exact or not all(0x20 <= byte < 0x7F for byte in raw):  # noqa: PLR2004 - printable ASCII
        text = raw.decode("ascii", "backslashreplace")
        undecoded = told("The folder '{name}' is not in modified UTF-7.", name=shown(text))
        return Folder(raw, text, delimiter, lowered, undecoded)
    if problem := id_problem(name):
        problem = told("The name of the folder '{name}' {problem}.", name=shown(name), problem=problem)
    return Folder(raw, name, delimiter, lowered, problem)


def wanted_folders(
    folders: Sequence[Folder], *, leave_out: Collection[str], foreign: Collection[bytes]
) -> list[Folder]:
    """The folders to read, in the order of their names; with a folder goes what lies in it.

    `leave_out`: names that the administrator gave; `foreign`: beginnings of the names of
    other people's and public folders.
    """
    own = [each for each in folders if not any(each.raw.startswith(prefix) for prefix in foreign)]
    given = {folded(name) for name in leave_out}
    roots = [each for each in own if _is_unwanted(each) or folded(each.name) in given]
    kept = [
        each
        for each in own
        if not each.flags & _CLOSED and not any(_is_or_lies_in(each, root) for root in roots)
    ]
    return sorted(kept, key=lambda each: each.name)


def _is_unwanted(folder: Folder) -> bool:
    """By the server's mark (RFC 6154), or by a common name at the top."""
    if folder.flags & _UNWANTED:
        return True
    name = folded(folder.name)
    if folder.delimiter:
        name = name.removeprefix(f"inbox{folder.delimiter}")
    return name in _UNWANTED_NAMES


def _is_or_lies_in(folder: Folder, root: Folder) -> bool:
    name, top = folded(folder.name), folded(root.name)
    return name == top or bool(root.delimiter and name.startswith(top + root.delimiter))

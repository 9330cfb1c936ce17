"""Does the number or name of somebody else's thing open it? It must answer as one that is not there.

For every route with a parameter: what is theirs is exchanged, one parameter at a time, for the same sort of
thing of everybody else, for its neighbours, for numbers of nothing and for numbers that are too large. Each
answer is compared byte for byte with the one for a thing that does not exist, apart from what each response
draws anew (nonces and tokens) and from the path that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from assistant.access.viewer import viewer_for
from assistant.access.visibility import visible_documents
from assistant.documents.models import Document
from tests.security.crawling import all_routes
from tests.security.grounds import Grounds, parameters_of
from tests.security.inventory import Answer, Asked, Probe, expected, silence, wanted

NOWHERE = {
    "n": "98",
    "number": "98",
    "token": "nothing",
    "handle": "nothing",
    "ticket": "nothing",
    "slug": "nothing",
    "kind": "nothing",
    "job": "nothing",
    "email": "nobody@example.com",
}
_NO_NUMBER = "987654"
_HUGE = (str(2**31), str(2**63), "9" * 40)
PERSONAL = frozenset({"conversation_id", "turn_id", "file_id", "handle", "key_id", "joined_id"})
# Whom another's things are offered to: people, whoever administers, and programs.
ACTORS = ("ann", "sam", "con", "sec", "ada", "key of ann", "key for documents", "push key")
_DRAWN_ANEW = re.compile(
    rb"nonce-[\w-]+|nonce=\"[\w-]+\"|csrfmiddlewaretoken\" value=\"\w+\""
    rb"|X-CSRFToken&quot;: ?&quot;\w+|\"X-CSRFToken\": ?\"\w+"
)


@dataclass(slots=True)
class Attempts:
    """How many, and those that were answered otherwise than for what is not there."""

    made: int = 0
    routes: set[str] = field(default_factory=set)
    successes: list[str] = field(default_factory=list)


def attempt_all(grounds: Grounds, *, routes: Collection[str] = ()) -> Attempts:
    """Every route with a parameter, or these alone, as everybody who is let in there."""
    probe, found = Probe(grounds), Attempts()
    with silence():
        for asked, name in _places(grounds, routes):
            probe_one(probe, asked, name, found)
    return found


def _places(grounds: Grounds, routes: Collection[str]) -> Iterator[tuple[Asked, str]]:
    for route in routes or dict.fromkeys(all_routes()):
        line = wanted(route)
        for name in parameters_of(route) if line else ():
            for actor in ACTORS:
                for method in line or ():
                    asked = Asked(route, actor, method)
                    if method != "HEAD" and expected(asked, grounds.actors[actor]) == "let in":
                        yield asked, name


def probe_one(probe: Probe, asked: Asked, name: str, found: Attempts) -> None:
    """One parameter of one route as one person."""
    grounds = probe.grounds
    nothing = NOWHERE.get(name, _NO_NUMBER)
    without, path = _answered(probe, asked, name, nothing)
    reference = _plain(without, path)
    for value in dict.fromkeys(foreign(grounds, asked, name)):
        answer, path = _answered(probe, asked, name, value)
        found.made += 1
        found.routes.add(asked.route)
        if _plain(answer, path) != reference:  # a page may say how long ago something was: ask again
            reference = _plain(*_answered(probe, asked, name, nothing))
        if _plain(answer, path) != reference or answer.written - without.written:
            found.successes.append(
                f"{asked}: {name}={value} gave {answer.status}, nothing gives {reference[0]}"
            )


def foreign(grounds: Grounds, asked: Asked, name: str) -> Iterator[str]:
    """Values of the parameter that must open nothing to the actor."""
    own = grounds.value(asked.route, name, asked.actor)
    is_draft = asked.route.startswith("console/sources/drafts/")
    if name in PERSONAL or is_draft:
        key = "draft" if is_draft else name
        if asked.route.startswith("console/people/"):
            own = ""  # whoever manages people may end keys of all of them, each at its owner
        others = [values[key] for who, values in grounds.own.items() if key in values and who != _who(asked)]
        mine = None if not own else grounds.own.get(_who(asked), {}).get(key)
        yield from (value for value in others if value != mine)
        if own.isdigit():
            neighbours = (str(int(mine or own) + step) for step in (-1, 1))
            yield from (value for value in neighbours if value != mine)
    elif name == "document_id" and "permissions" not in asked.route:
        user = grounds.actors[asked.actor].user
        seen = visible_documents(viewer_for(user)).values_list("pk", flat=True) if user else []
        hidden = Document.every.exclude(pk__in=seen).exclude(chat_file__conversation__user=user)
        yield from map(str, hidden.values_list("pk", flat=True))
    elif name == "source_id" and asked.route.startswith("api/v1/sources/"):
        yield grounds.common["source_id"]
    if own.isdigit():
        yield from ("0", *_HUGE)
        yield from _of_other_kinds(grounds)
    else:
        yield from ("x" * 16, "0")


def _of_other_kinds(grounds: Grounds) -> Iterator[str]:
    """Numbers that are of something else and far from any of the kinds that are looked for."""
    yield str(10_000 + int(grounds.common["document_id"]))


def _who(asked: Asked) -> str:
    return asked.actor.removeprefix("key of ")


def _answered(probe: Probe, asked: Asked, name: str, value: str) -> tuple[Answer, str]:
    path = probe.grounds.path(asked.route, _who(asked), **{name: value})
    return probe.answer(asked, path + probe.grounds.query(asked.route), keep=True), path


def _plain(answer: Answer, path: str) -> tuple[int, str, bytes]:
    """The answer without what is drawn anew each time, and without the path that was asked for."""
    headers = "\n".join(
        f"{name}: {value}" for name, value in sorted(answer.headers.items()) if name != "Content-Length"
    )
    bare = _DRAWN_ANEW.sub(b"-", headers.encode())
    return (
        answer.status,
        bare.replace(path.encode(), b"PATH").decode(),
        _DRAWN_ANEW.sub(b"-", answer.body).replace(path.encode(), b"PATH"),
    )

"""A passage is read with what stands around it, exactly as the document has it, and only through the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.access.door import passages
from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.chat import gathering
from assistant.chat.answering import Answer, answer
from assistant.chat.finding import ask
from assistant.chat.stretches import stretches_of
from assistant.common.types import Json
from assistant.documents.models import Body, Chunk
from assistant.providers.contract import AnswerSentence, ContextWanted, ModelRequest, Quote
from assistant.retrieval.context import NEIGHBOURS, WHOLE_UP_TO, Context, alone, contexts, shared_headings
from assistant.retrieval.retrieve import Plan, retrieve
from tests.conftest import SmallWorld
from tests.guardrails.rules import block
from tests.retrieval.made_passages import made
from tests.retrieval.test_retrieve import seen_with_and_without


def _manual(section: str, sentence: str, sections: int) -> str:
    return "\n\n".join(
        f"{section} {number}\n\n" + " ".join(f"{sentence} {number}.{line}." for line in range(12))
        for number in range(1, sections + 1)
    )


ENGLISH = _manual("Machine", "The valve of the machine is opened and closed by the operator, see line", 9)
KOREAN = _manual("설비", "설비의 밸브는 작업자가 열고 닫으며 점검표의 다음 줄에 적는다", 9)
SHORT = _manual("Pump", "The pump is switched off before anybody opens the cover, see line", 2)


@pytest.fixture
def manuals(small_world: SmallWorld) -> SmallWorld:
    """The small world with two long manuals for the staff, a short one, and one for the personnel only."""
    for name, group, text in (
        ("manual", "staff", ENGLISH),
        ("manual-ko", "staff", KOREAN),
        ("short", "staff", SHORT),
        ("manual-hr", "hr", ENGLISH.replace("operator", "department")),
    ):
        small_world.documents[name] = {
            "id": name,
            "title": f"Manual {name}",
            "text": text,
            "acl": {"allow": [f"group:{group}"]},
        }
    assert small_world.sync().state == "succeeded"
    return small_world


def chunks(name: str) -> list[int]:
    rows = Chunk.objects.filter(document__external_id=name).order_by("ordinal")
    return list(rows.values_list("pk", flat=True))


def of(viewer: Viewer, chunk_ids: list[int]) -> dict[int, Context]:
    return contexts(viewer, passages(viewer, chunk_ids))


def body(name: str) -> str:
    return Body.objects.get(document__external_id=name).text


@pytest.mark.parametrize("name", ["manual", "manual-ko"])
def test_a_passage_of_a_long_document_comes_with_its_neighbours(manuals: SmallWorld, name: str) -> None:
    ann, numbers = manuals.viewer("ann"), chunks(name)
    assert len(numbers) >= 7
    for at, number in enumerate(numbers):
        context = of(ann, [number])[number]
        expected = numbers[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1]
        assert [part.chunk_id for part in context.parts] == expected
        assert context.text == body(name)[context.start : context.end]
        for part in context.parts:
            assert context.text[part.start - context.start : part.end - context.start] == part.text


def test_a_short_document_is_read_whole(manuals: SmallWorld) -> None:
    text, numbers = body("short"), chunks("short")
    assert len(numbers) > 1
    assert len(text) <= WHOLE_UP_TO["en"]
    (number, *_) = numbers
    assert of(manuals.viewer("ann"), [number])[number].text == text.rstrip()


def test_how_short_a_document_must_be_depends_on_its_language(manuals: SmallWorld) -> None:
    lengths = {"en": len("word, ") * 400, "ko": len("단어와 ") * 600}
    assert WHOLE_UP_TO["ko"] < lengths["ko"] <= WHOLE_UP_TO["en"]
    for name, word in (("four", "단어와"), ("five", "word,")):
        sentence = f"{word} " * 30
        manuals.documents[name] = {
            "id": name,
            "title": name,
            "text": "\n\n".join(f"{sentence}{number}." for number in range(22 if name == "four" else 14)),
            "acl": {"allow": ["everyone"]},
        }
    manuals.sync()
    sam = manuals.viewer("sam")
    first, last = chunks("four")[0], chunks("five")[0]
    found = of(sam, [first, last])
    assert len(found[first].parts) == 2 < len(chunks("four"))
    assert len(found[last].parts) == len(chunks("five"))


def test_passages_near_each_other_share_one_context(manuals: SmallWorld) -> None:
    ann, numbers = manuals.viewer("ann"), chunks("manual")
    assert len(numbers) >= 8
    found = of(ann, [numbers[1], numbers[3], numbers[-1]])
    assert found[numbers[1]] is found[numbers[3]]
    assert [part.chunk_id for part in found[numbers[1]].parts] == numbers[:5]
    assert [part.chunk_id for part in found[numbers[-1]].parts] == numbers[-2:]
    hits = retrieve("valve of the machine operator", viewer=ann, plan=Plan(k=8, context=True)).hits
    spans = [
        (one.span.document_id, part.chunk_id)
        for one in stretches_of(hits, viewer=ann)
        for part in one.span.parts
    ]
    assert len(spans) == len(set(spans)) > 3


def test_all_contexts_are_read_by_one_statement(manuals: SmallWorld) -> None:
    ann = manuals.viewer("ann")
    some = passages(ann, [*chunks("manual")[::3], *chunks("manual-ko")[::3], *chunks("short")])
    counts = []
    for asked in (some[:1], some):
        with CaptureQueriesContext(connection) as queries:
            contexts(ann, asked)
        counts.append(len([one for one in queries if "documents_chunk" in one["sql"]]))
    assert counts == [1, 1]


def test_what_was_revoked_since_gives_no_context_and_no_hit(
    manuals: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = manuals.viewer("ann")
    found = passages(ann, [chunks("manual")[4], chunks("short")[0]])
    manuals.documents["manual"]["acl"] = {"allow": ["group:hr"]}
    manuals.sync()
    assert list(contexts(ann, found)) == [chunks("short")[0]]


def test_a_stranger_is_given_no_context_of_anything(manuals: SmallWorld) -> None:
    ann, sam = manuals.viewer("ann"), manuals.viewer("sam")
    theirs = passages(ann, [*chunks("manual"), *chunks("manual-ko"), *chunks("short")])
    assert contexts(sam, theirs) == {}


def test_an_older_version_gives_no_context(manuals: SmallWorld) -> None:
    ann = manuals.viewer("ann")
    found = passages(ann, chunks("short"))
    manuals.documents["short"]["text"] = "Everything is new."
    manuals.sync()
    assert contexts(ann, found) == {}


class Quoting:
    """A model that quotes what it is told to look for, wherever it stands in what it was given."""

    name = "quoting"

    def __init__(self, wanted: str, context: ContextWanted = ContextWanted.NEIGHBOURS) -> None:
        self._wanted, self.context = wanted, context
        self.given: list[str] = []

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        self.given = [source.text for source in request.sources]
        for source in request.sources:
            at = source.text.find(self._wanted)
            if at >= 0:
                yield AnswerSentence(self._wanted, (Quote(source.n, at, at + len(self._wanted)),))
                return


def answered(viewer: Viewer, model: Quoting, question: str = "Which valve has line 5.3?") -> Answer:
    said = Answer()
    list(answer(question, viewer=viewer, model=model, into=said))
    return said


def test_a_quote_from_a_neighbour_is_cited_where_it_stands(
    manuals: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = manuals.viewer("ann")
    monkeypatch.setattr(gathering, "_PASSAGES", 1)
    (hit,) = retrieve("Machine 5 line 5.3", viewer=ann, plan=Plan(k=1, fold=True)).hits
    numbers = chunks(hit.passage.external_id)
    neighbour = Chunk.objects.get(pk=numbers[numbers.index(hit.passage.chunk_id) + 1])
    wanted = neighbour.text[30:90]
    assert wanted not in hit.passage.text
    (cited,) = answered(ann, Quoting(wanted), "Machine 5 line 5.3").cited
    assert cited.passage.chunk_id == neighbour.pk
    ((start, end),) = cited.quotes
    assert body(hit.passage.external_id)[start:end] == wanted
    assert answered(ann, Quoting(wanted, ContextWanted.NONE), "Machine 5 line 5.3").cited == []


def test_a_quote_over_two_passages_is_cited_in_both(manuals: SmallWorld) -> None:
    ann, numbers = manuals.viewer("ann"), chunks("manual")
    context = of(ann, [numbers[3]])[numbers[3]]
    first, second = context.parts[:2]
    parts = list(context.carrying(first.end - 10, second.start + 10))
    assert [(part.chunk_id, end - start) for part, start, end in parts] == [
        (first.chunk_id, 10),
        (second.chunk_id, 10),
    ]
    assert list(context.carrying(first.end, second.start)) == []


def test_a_model_is_given_no_text_twice_and_none_that_is_blocked(manuals: SmallWorld) -> None:
    ann, model = manuals.viewer("ann"), Quoting("nowhere")
    answered(ann, model)
    whole = "\n".join(model.given)
    assert whole.count("see line 5.3.") == 1
    block("Line", words=["line 5.3"])
    blocked = Quoting("nowhere")
    list(answer("How is the valve of machine 6 opened?", viewer=ann, model=blocked, into=Answer()))
    assert blocked.given
    assert not [text for text in blocked.given if "line 5.3." in text]


def test_the_answer_names_its_place_to_whoever_reads_it_later(manuals: SmallWorld) -> None:
    said = ask(
        "Which line of machine 5 says that the valve is opened by the operator?", viewer=manuals.viewer("ann")
    )
    assert isinstance(said["citations"], list)
    for citation in said["citations"]:
        assert isinstance(citation, dict)
        assert isinstance(citation["quotes"], list)
        for quote in citation["quotes"]:
            assert str(quote)
            assert str(quote) in str(citation["passage"])


def test_headings_that_all_parts_stand_under_head_the_whole() -> None:
    parts = [
        made("x", headings=path) for path in ("Leave › Annual › How", "Leave › Annual", "Leave › Sick › How")
    ]
    assert shared_headings(parts) == "Leave"
    assert shared_headings(parts[:1]) == "Leave › Annual › How"
    assert shared_headings([made("x"), parts[0]]) == ""
    assert alone(parts[0]).parts == (parts[0],)


HIDDEN_MANUAL: tuple[dict[str, Json], ...] = tuple(
    {"id": name, "title": f"Manual {number}", "text": text, "acl": {"allow": [f"group:{group}"]}}
    for number, (name, group, text) in enumerate(
        (
            ("manual", "staff", ENGLISH),
            ("manual-hr", "hr", ENGLISH.replace("operator", "department")),
            ("short", "staff", SHORT),
            ("short-hr", "hr", SHORT),
            ("manual-ko", "staff", KOREAN),
            ("manual-ko-hr", "hr", KOREAN),
        )
    )
)


def test_what_a_model_is_given_depends_on_nothing_hidden(
    people: dict[str, User], tmp_path: Path, settings: LazySettings
) -> None:
    def look(world: SmallWorld) -> str:
        told = []
        for question in ("Which valve has line 5.3?", "설비 5의 밸브는 누가 여나요?", "pump cover"):
            model = Quoting("밸브는 작업자가" if "설비" in question else "see line")
            said = answered(world.viewer("ann"), model, question)
            told.append([model.given, [(one.n, one.passage.external_id, one.quotes) for one in said.cited]])
        return json.dumps(told, ensure_ascii=False)

    full, alone_ = seen_with_and_without(look, tmp_path, settings, HIDDEN_MANUAL)
    assert full == alone_
    assert "see line 5.3." in full

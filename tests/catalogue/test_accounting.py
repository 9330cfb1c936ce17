"""What calls took, kept without questions and people."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError
from django.utils import timezone

from assistant.catalogue.accounting import bookkeeper, cost_of, usage_by_model
from assistant.catalogue.entries import Entry, Origin, Price
from assistant.catalogue.models import ModelCall
from assistant.catalogue.selectors import model_for_turn
from assistant.catalogue.services import remove_model
from assistant.chat.models import Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import delete_conversation, start_turn
from assistant.providers.contract import Usage
from tests.catalogue.conftest import Adding
from tests.catalogue.models import viewer
from tests.common.scripted_server import ScriptedServer
from tests.conftest import SmallWorld
from tests.providers.scripted_model import PATH, refuses, sends

pytestmark = pytest.mark.django_db
QUESTION = "How many days a week is remote work allowed?"
PRICE = Price(Decimal("2.5"), Decimal(10), "USD")
COUNTED = sends(
    'data: {"choices":[{"delta":{"content":"Remote work is allowed three days a week [1]."}}]}\n\n',
    'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    'data: {"choices":[],"usage":{"prompt_tokens":1200,"completion_tokens":40}}\n\n',
    "data: [DONE]\n\n",
)


def answered(name: str, model: str) -> Turn:
    turn = start_turn(viewer=viewer(name), question=QUESTION, conversation_id=None, model=model)
    assert run_turn(turn.pk)
    turn.refresh_from_db()
    return turn


def used(tokens: int = 10, *, first: int | None = 5, outcome: str = "done", estimated: bool = False) -> Usage:
    return Usage(tokens, tokens, estimated, 20, first, outcome)


def test_a_call_is_counted_once_with_the_price_of_that_time(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer
) -> None:
    server.on(PATH, COUNTED)
    pk = adding("Swift", input_price=PRICE.input, output_price=PRICE.output)
    turn = answered("ann", "Swift")
    assert turn.state == "done"
    (call,) = ModelCall.objects.all()
    assert (call.turn_id, call.key, call.name) == (turn.pk, f"catalogue:{pk}", "Swift")
    assert (call.input_tokens, call.output_tokens, call.is_estimated) == (1_200, 40, False)
    assert (call.cost, call.currency, call.outcome) == (Decimal("0.0034"), "USD", "done")
    assert call.first_token_ms is not None
    assert call.first_token_ms <= call.ms


def test_a_failed_call_is_counted_as_a_failure(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer
) -> None:
    server.on(PATH, refuses(401))
    adding("Swift")
    assert answered("ann", "Swift").state == "failed"
    (usage,) = usage_by_model(viewer=viewer("ada"))
    assert (usage.calls, usage.failures, usage.first_token_ms) == (1, 1, None)


def test_quoted_sentences_take_no_call(small_world: SmallWorld) -> None:
    assert answered("ann", "").state == "done"
    assert not ModelCall.objects.exists()


def test_nothing_of_question_answer_or_person_is_kept(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer
) -> None:
    adding("Swift")
    answered("ann", "Swift")
    kept = " ".join(str(value) for row in ModelCall.objects.values() for value in row.values())
    for word in ("remote", "week", "ann", "handbook"):
        assert word not in kept.casefold()
    assert not [
        field for field in ModelCall._meta.get_fields() if field.name in ("user", "person", "question")
    ]


def test_sums_outlive_conversation_and_model(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer
) -> None:
    pk = adding("Swift")
    turn = answered("ann", "Swift")
    before = usage_by_model(viewer=viewer("ada"))
    delete_conversation(viewer=viewer("ann"), conversation_id=turn.conversation_id)
    remove_model(pk, viewer=viewer("ada"))
    assert usage_by_model(viewer=viewer("ada")) == before
    assert before[0].calls == 1
    assert ModelCall.objects.get().turn_id is None


def test_usage_is_summed_by_model_over_thirty_days(adding: Adding) -> None:
    adding("Swift", input_price=PRICE.input, output_price=PRICE.output)
    entry = model_for_turn(viewer("ann"), "Swift")
    note = bookkeeper(entry, turn_id=None)
    for first, outcome in ((30, "done"), (10, "done"), (20, "stopped"), (None, "busy")):
        note(used(1_000_000, first=first, outcome=outcome, estimated=first == 10))
    ModelCall.objects.filter(pk=ModelCall.objects.latest("pk").pk).update(cost=None)
    note(used())
    ModelCall.objects.filter(pk=ModelCall.objects.latest("pk").pk).update(
        at=timezone.now() - timedelta(days=31)
    )
    (usage,) = usage_by_model(viewer=viewer("ada"))
    assert (usage.calls, usage.failures, usage.estimated, usage.unpriced) == (4, 1, 1, 1)
    assert (usage.input_tokens, usage.output_tokens, usage.first_token_ms) == (4_000_000, 4_000_000, 20)
    assert [(cost.amount, cost.currency) for cost in usage.costs] == [(Decimal("37.5"), "USD")]


def test_a_turn_that_is_gone_meanwhile_loses_no_call(db: None) -> None:
    bookkeeper(Entry("catalogue:9", Origin.ROW, "Gone", "openai-compatible"), turn_id=987_654)(used())
    assert ModelCall.objects.get().turn_id is None


def test_an_absurd_count_is_bounded(db: None) -> None:
    bookkeeper(Entry("catalogue:9", Origin.ROW, "Liar", "openai-compatible"), turn_id=None)(used(10**12))
    assert ModelCall.objects.get().input_tokens == 2**31 - 1


def test_what_cannot_be_counted_ends_no_answer(
    small_world: SmallWorld, adding: Adding, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise DatabaseError("disk full")

    adding("Swift")
    monkeypatch.setattr(ModelCall, "save", fails)
    assert answered("ann", "Swift").state == "done"


def test_a_cost_is_the_sum_of_both_directions() -> None:
    assert cost_of(Usage(1_000_000, 500_000, False, 1, 1, "done"), PRICE) == Decimal("7.5")
    assert cost_of(used(), None) is None

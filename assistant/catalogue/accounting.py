"""What did the models take? Each call leaves a row without a question and without a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.apps import apps
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils import timezone

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.catalogue.entries import Entry, Price
from assistant.catalogue.models import ModelCall
from assistant.providers.contract import Outcome, Usage

DAYS = 30
_NO_FAILURE = (Outcome.DONE, Outcome.STOPPED)  # whoever asked may stop it
_MILLION = Decimal(1_000_000)
_LARGEST = 2**31 - 1
_LONGEST_KEY, _LONGEST_NAME = 80, 200  # characters of the columns
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum in one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model took. `estimated`: calls whose tokens its server did not count.

    `first_token_ms`: the median, None without any. `unpriced`: calls without a price, which no cost holds.
    """

    key: str
    name: str
    calls: int
    failures: int
    input_tokens: int
    output_tokens: int
    estimated: int
    unpriced: int
    costs: tuple[Cost, ...]
    first_token_ms: int | None


def bookkeeper(entry: Entry, *, turn_id: int | None) -> Callable[[Usage], None]:
    """What a model of this entry reports its calls to. A call that cannot be stored ends no answer."""

    def note(usage: Usage) -> None:
        try:
            _store(_row_of(entry.key, entry.name, usage, price=entry.price), turn_id)
        except DatabaseError:
            log.exception("a call of %s could not be counted", entry.key)

    return note


def keep_search_call(key: str, name: str, usage: Usage) -> None:
    """A call to an embedder or reranker on a server. One that cannot be stored ends no search."""
    try:
        _row_of(key, name, usage, price=None).save()
    except DatabaseError:
        log.exception("a call of %s could not be counted", key)


def cost_of(usage: Usage, price: Price | None) -> Decimal | None:
    """What the call cost by this price; None without one."""
    if price is None:
        return None
    return (usage.input_tokens * price.input + usage.output_tokens * price.output) / _MILLION


def usage_by_model(*, viewer: Viewer, days: int = DAYS) -> tuple[ModelUsage, ...]:
    """The calls of the last days by model, most used first, removed ones too.

    Raises:
        NotFound: the viewer may not see usage.
    """
    require(viewer, Right.SEE_USAGE)
    calls = ModelCall.objects.filter(at__gte=timezone.now() - timedelta(days=days))
    sums = (
        calls.values("key")
        .annotate(
            calls=Count("pk"),
            failures=Count("pk", filter=~Q(outcome__in=_NO_FAILURE)),
            estimated=Count("pk", filter=Q(is_estimated=True)),
            unpriced=Count("pk", filter=Q(cost=None)),
            input_tokens=Sum("input_tokens"),
            output_tokens=Sum("output_tokens"),
            latest=Max("pk"),
        )
        .order_by("-calls", "key")
    )
    found = list(sums)
    names = ModelCall.objects.in_bulk([each["latest"] for each in found])
    return tuple(
        ModelUsage(
            key=each["key"],
            name=names[each["latest"]].name,
            calls=each["calls"],
            failures=each["failures"],
            input_tokens=each["input_tokens"],
            output_tokens=each["output_tokens"],
            estimated=each["estimated"],
            unpriced=each["unpriced"],
            costs=_costs(calls.filter(key=each["key"])),
            first_token_ms=_median(calls.filter(key=each["key"])),
        )
        for each in found
    )


def _row_of(key: str, name: str, usage: Usage, *, price: Price | None) -> ModelCall:
    return ModelCall(
        key=key[:_LONGEST_KEY],
        name=name[:_LONGEST_NAME],
        input_tokens=_bounded(usage.input_tokens),
        output_tokens=_bounded(usage.output_tokens),
        is_estimated=usage.estimated,
        ms=_bounded(usage.ms),
        first_token_ms=None if usage.first_token_ms is None else _bounded(usage.first_token_ms),
        outcome=usage.outcome[:40],
        cost=cost_of(usage, price),
        currency=price.currency if price else "",
    )


def _store(call: ModelCall, turn_id: int | None) -> None:
    """A turn that was deleted meanwhile takes none of the sums with it."""
    if turn_id is not None:
        try:
            with transaction.atomic():
                exists = apps.get_model("chat.Turn")._default_manager.filter(pk=turn_id).exists()
                call.turn_id = turn_id if exists else None
                call.save()
                return
        except IntegrityError:
            call.pk, call.turn_id = None, None
    call.save()


def _bounded(number: int) -> int:
    """A server may count what it likes; the column holds 31 bits."""
    return max(0, min(number, _LARGEST))


def _costs(calls: QuerySet[ModelCall]) -> tuple[Cost, ...]:
    sums = calls.exclude(cost=None).values("currency").annotate(amount=Sum("cost")).order_by("currency")
    return tuple(Cost(each["amount"], each["currency"]) for each in sums)


def _median(calls: QuerySet[ModelCall]) -> int | None:
    """The lower one of the two in the middle where their number is even."""
    waits = (
        calls.exclude(first_token_ms=None).order_by("first_token_ms").values_list("first_token_ms", flat=True)
    )
    number = waits.count()
    return waits[(number - 1) // 2] if number else None

"""The page of the ranking: what is preferred, and a preview with what the administrator may read."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.roles import Right
from assistant.chat.answering import MAX_QUESTION, checked_question
from assistant.common.errors import IndexDamaged, ModelUnavailable, UsageError
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.retrieval.boosts import LONGEST_HALF_LIFE, MOST_PERCENT, Boosts
from assistant.retrieval.ranking import boosts_in_force, set_boosts, source_names
from assistant.retrieval.retrieve import Hit, Plan, retrieve

_SHOWN = 10
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class NumberField:
    """A whole number on the page, as it was typed. `wrong`: what is wrong with it, empty if nothing."""

    name: str
    label: str
    least: int
    most: int
    typed: str
    wrong: str = ""

    @property
    def value(self) -> int:
        """The number; of a wrong one that which changes least."""
        return int(self.typed) if not self.wrong else max(self.least, min(1, self.most))


@dataclass(frozen=True, slots=True)
class RankingForm:
    """All fields of the page."""

    recency: NumberField
    half_life: NumberField
    title: NumberField
    sources: tuple[NumberField, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether anything must be mended before it can be saved."""
        return any(field.wrong for field in (self.recency, self.half_life, self.title, *self.sources))

    @property
    def boosts(self) -> Boosts:
        """What the fields say.

        Raises:
            UsageError: a field is wrong.
        """
        if self.is_wrong:
            raise UsageError("A field of the ranking is no number within its bounds.")
        return Boosts(
            recency=self.recency.value,
            half_life=self.half_life.value,
            title=self.title.value,
            sources=tuple((field.label, field.value) for field in self.sources if field.value),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A document in the preview: its place with what is typed, and now; `was` is None if it is new here."""

    hit: Hit
    now: int
    was: int | None

    @property
    def moved(self) -> str:
        """ "up", "down", "same" or "new"."""
        if self.was is None:
            return "new"
        return "same" if self.was == self.now else ("up" if self.now < self.was else "down")


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_RANKING)
def ranking(request: AdministratorRequest) -> HttpResponse:
    """What is preferred now; POST saves what was typed."""
    viewer = viewer_for(request.user)
    if request.method == "GET":
        return _page(request, _stored_form(viewer), saved="saved" in request.GET)
    form = _typed_form(viewer, request.POST)
    if form.is_wrong:
        return _page(request, form, status=422)
    set_boosts(form.boosts, viewer=viewer)
    response = redirect("console:ranking")
    response["Location"] += "?saved"
    return response


@require_POST
@with_right(Right.MANAGE_RANKING)
def preview(request: AdministratorRequest) -> HttpResponse:
    """The order of results with what is typed beside the order of now. Saves nothing."""
    viewer = viewer_for(request.user)
    form = _typed_form(viewer, request.POST)
    question = request.POST.get("question", "")[:MAX_QUESTION]
    refusal, places, before = "", list[Place](), list[Hit]()
    if form.is_wrong:
        refusal = gettext("Mend the fields marked above first.")
    elif not question.strip():
        refusal = gettext("Type a question to see its order.")
    else:
        try:
            before = _found(viewer, question, boosts_in_force())
            places = _places(before, _found(viewer, question, form.boosts))
        except (IndexDamaged, ModelUnavailable):
            before, refusal = [], gettext("The search can’t be tried now. Try again in a minute.")
    shown = {"question": question, "refusal": refusal, "places": places, "before": before, "asked": True}
    if request.htmx:
        return render(request, "console/fragments/ranking_preview.html", shown)
    return _page(request, form, status=422 if refusal else 200, **shown)


def _found(viewer: Viewer, question: str, boosts: Boosts) -> list[Hit]:
    plan = Plan(k=_SHOWN, one_per_document=True, boosts=boosts)
    return list(retrieve(checked_question(question), viewer=viewer, plan=plan).hits)


def _places(before: list[Hit], after: list[Hit]) -> list[Place]:
    was = {hit.passage.document_id: number for number, hit in enumerate(before, start=1)}
    return [Place(hit, number, was.get(hit.passage.document_id)) for number, hit in enumerate(after, start=1)]


def _page(
    request: AdministratorRequest, form: RankingForm, *, status: int = 200, **shown: object
) -> HttpResponse:
    context = {"form": form, "most": MOST_PERCENT, "question_limit": MAX_QUESTION, **shown}
    return render(request, "console/ranking.html", context, status=status)


def _stored_form(viewer: Viewer) -> RankingForm:
    boosts = boosts_in_force()
    percents = dict(boosts.sources)
    return _form(
        {"recency": str(boosts.recency), "half_life": str(boosts.half_life), "title": str(boosts.title)},
        [(name, str(percents.get(name, 0))) for name in source_names(viewer)],
    )


def _typed_form(viewer: Viewer, typed: QueryDict) -> RankingForm:
    """What was typed. Sources are named, so that a new one in between moves nothing."""
    names, percents = typed.getlist("source"), typed.getlist("source_percent")
    given = dict(zip(names, percents, strict=False))
    return _form(
        {name: typed.get(name, "") for name in ("recency", "half_life", "title")},
        [(name, given.get(name, "0")) for name in source_names(viewer)],
    )


def _form(values: dict[str, str], sources: list[tuple[str, str]]) -> RankingForm:
    return RankingForm(
        recency=_field("recency", gettext("Newer documents"), 0, MOST_PERCENT, values["recency"]),
        half_life=_field(
            "half_life", gettext("Half of it is left after"), 1, LONGEST_HALF_LIFE, values["half_life"]
        ),
        title=_field(
            "title", gettext("Titles with the words of the question"), 0, MOST_PERCENT, values["title"]
        ),
        sources=tuple(
            _field("source_percent", name, -MOST_PERCENT, MOST_PERCENT, typed) for name, typed in sources
        ),
    )


def _field(name: str, label: str, least: int, most: int, typed: str) -> NumberField:
    text = typed.strip().replace("−", "-")
    digits = text.removeprefix("-")
    whole = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    if whole and least <= int(text) <= most:
        return NumberField(name, label, least, most, str(int(text)))
    wrong = gettext("Write a whole number from %(least)s to %(most)s.") % {"least": least, "most": most}
    return NumberField(name, label, least, most, typed[:20], wrong)

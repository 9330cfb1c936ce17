"""Topic blocks in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.guardrails.models import Topic, lines_of

if TYPE_CHECKING:
    _Form = forms.ModelForm[Topic]
    _Admin = admin.ModelAdmin[Topic]
else:  # Django's classes take no type parameters at run time
    _Form, _Admin = forms.ModelForm, admin.ModelAdmin


class TopicForm(_Form):
    """Text areas as large as what is usually written into them."""

    class Meta:
        model = Topic
        fields: ClassVar = ["name", "enabled", "description", "examples", "words", "message"]
        widgets: ClassVar = {
            "description": forms.Textarea(attrs={"rows": 3, "cols": 90}),
            "examples": forms.Textarea(attrs={"rows": 8, "cols": 90}),
            "words": forms.Textarea(attrs={"rows": 5, "cols": 90}),
            "message": forms.Textarea(attrs={"rows": 3, "cols": 90}),
        }
        help_texts: ClassVar = {
            "description": _("One or two sentences: what is asked about, in the words people use."),
            "examples": _(
                "One question a line. Five varied ones work well; "
                "give Korean and English ones if both languages are used."
            ),
            "words": _(
                "One word or phrase a line. A text that holds one is always blocked, also with particles, "
                "other spacing or other letter widths."
            ),
            "message": _("What the person reads instead of an answer. Empty: a polite default."),
        }


@admin.register(Topic)
class TopicAdmin(_Admin):
    """What may be neither asked nor answered."""

    form = TopicForm
    list_display = ("name", "enabled", "example_count", "word_count", "updated_at")
    list_filter = ("enabled",)
    search_fields = ("name", "description")
    readonly_fields = ("updated_at",)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "updated_at")}),
        (
            _("What it is about"),
            {
                "fields": ("description", "examples"),
                "description": _(
                    "Questions and answers are compared with these by meaning, not by the same words."
                ),
            },
        ),
        (
            _("Words"),
            {
                "fields": ("words",),
                "description": _(
                    "For names and terms that must never come up, such as a project's code name."
                ),
            },
        ),
        (_("When it blocks"), {"fields": ("message",)}),
    )

    @admin.display(description=_("example questions"))
    def example_count(self, topic: Topic) -> int:
        """How many example questions there are."""
        return len(lines_of(topic.examples))

    @admin.display(description=_("words"))
    def word_count(self, topic: Topic) -> int:
        """How many words and phrases there are."""
        return len(lines_of(topic.words))

    def save_model(self, request: HttpRequest, obj: Topic, form: _Form, change: bool) -> None:  # noqa: FBT001
        """Save and audit."""
        super().save_model(request, obj, form, change)
        _audit(request, obj.name, "changed" if change else "added")

    def delete_model(self, request: HttpRequest, obj: Topic) -> None:
        """Delete and audit."""
        super().delete_model(request, obj)
        _audit(request, obj.name, "deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        """Delete the chosen ones and audit each."""
        names = list(queryset.values_list("name", flat=True))
        super().delete_queryset(request, queryset)
        for name in names:
            _audit(request, name, "deleted")


def _audit(request: HttpRequest, topic: str, what: str) -> None:
    assert isinstance(request.user, User)  # the admin lets nobody else in
    record(Event.TOPIC_CHANGED, actor_id=request.user.pk, actor=request.user.email, topic=topic, what=what)

"""How does it read that a turn ended without an answer? In the reader's language, for who asked.

`for_everybody`: the answer would have been for all members of a channel, so it tells nobody what only the
person who asked may know: no count, no reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from assistant.chat.events import Blocked, Failed, NoAnswer, TurnEvent, Withheld


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """A title, sentences below it, and what one can try. `reference` finds the log line."""

    title: str
    lines: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    reference: str = ""


def outcome_words(  # noqa: PLR0913 - what a turn was asked with, all by name
    outcome: TurnEvent | None,
    *,
    noted: bool = False,
    files_only: bool = False,
    in_scope: bool = False,
    for_everybody: bool = False,
    on_page: bool = True,
) -> OutcomeWords | None:
    """The words for an outcome; None for what is none.

    `noted`: notes say why there is no answer. `files_only`: nothing but the conversation's files was
    searched. `in_scope`: the search was narrowed. `on_page`: files, and what one can choose, stand beside it.
    """
    match outcome:
        case Blocked(topic, message):
            return OutcomeWords(blocked_title(topic), (message or _policy(),))
        case NoAnswer() if noted:
            return OutcomeWords(gettext("A table fits, but nothing was calculated from it"))
        case NoAnswer(documents) if files_only:
            return _not_in_files(documents, on_page=on_page)
        case NoAnswer() if for_everybody:
            return _not_for_everybody()
        case NoAnswer(documents):
            return _no_answer(documents, in_scope=in_scope)
        case Withheld():
            return _withheld(for_everybody=for_everybody)
        case Failed(code, reference):
            why = failed_words(code, on_page=on_page)
            return OutcomeWords(failed_title(), (why,), reference="" if for_everybody else reference)
        case _:
            return None


def blocked_title(topic: str) -> str:
    """That a rule stopped it, with the topic where it is one."""
    if not topic:
        return gettext("A guardrail of your company stopped this")
    return gettext("“%(topic)s” is a blocked topic") % {"topic": topic}


def failed_title() -> str:
    """That the answer broke off."""
    return gettext("The answer couldn’t be finished")


def _policy() -> str:
    return gettext("Your company has decided that Mundap doesn’t answer questions about this topic.")


def _not_in_files(files: int, *, on_page: bool) -> OutcomeWords:
    searched = ngettext(
        "%(n)s file was searched, and nothing else.", "%(n)s files were searched, and nothing else.", files
    )
    hints = [gettext("Use the words that the file itself would use.")]
    if on_page:
        hints.append(
            gettext(
                "To search the company’s documents as well, choose “Ask files and company documents” and ask"
                " without pointing at the file."
            )
        )
    title = gettext("The files of this conversation don’t hold the answer")
    return OutcomeWords(title, (searched % {"n": files},), tuple(hints))


def _no_answer(documents: int, *, in_scope: bool) -> OutcomeWords:
    title = gettext("The documents that you may read don’t hold the answer")
    if not documents and in_scope:
        nothing = gettext(
            "No document that you may read lies in the chosen scope. Search everything, or choose another"
            " scope."
        )
        return OutcomeWords(title, (nothing,))
    if not documents:
        nothing = gettext(
            "You can’t read any documents here yet. Ask your administrator which sources you should see."
        )
        return OutcomeWords(title, (nothing,))
    searched = ngettext(
        "%(shown)s document was searched.", "%(shown)s documents were searched.", documents
    ) % {"shown": formats.number_format(documents, force_grouping=True)}
    wider = (gettext("Only the chosen scope was searched: search everything."),) if in_scope else ()
    return OutcomeWords(title, (searched,), (*_better_questions(), *wider, _ask_the_team()))


def _not_for_everybody() -> OutcomeWords:
    return OutcomeWords(
        gettext("The documents that everybody here may read don’t hold the answer"),
        (gettext("What you may read yourself can hold more: ask Mundap in a direct message."),),
        _better_questions(),
    )


def _better_questions() -> tuple[str, ...]:
    return (
        gettext("Use the words that the document itself would use: a product, a form, a policy’s name."),
        gettext("Ask one thing at a time."),
    )


def _ask_the_team() -> str:
    return gettext(
        "Ask the team that owns the subject whether it is written down, and whether you may read it."
    )


def _withheld(*, for_everybody: bool) -> OutcomeWords:
    title = gettext("This answer isn’t shown any more")
    if for_everybody:
        why = gettext("Something that it stands on has changed or is no longer open to everybody here.")
    else:
        why = gettext(
            "Something that it stands on has changed or is no longer open to you. Ask again to get an answer"
            " from what you may read now."
        )
    return OutcomeWords(title, (why,))


def failed_words(code: str, *, on_page: bool = True) -> str:
    """What happened and what to do, by the code of `events.Failed`."""
    elsewhere = None if on_page else _FAILURES_ELSEWHERE.get(code)
    return str(elsewhere or _FAILURES.get(code, _UNKNOWN_FAILURE))


_FAILURES: Mapping[str, Promise | str] = MappingProxyType(
    {
        "model_unavailable": _(
            "The language model can’t be reached. Your question is kept; ask it again in a few minutes,"
            " and tell your administrator if it stays like this."
        ),
        "search_unavailable": _(
            "The search can’t be reached right now. Your question is kept; ask it again in a few minutes,"
            " and tell your administrator if it stays like this."
        ),
        "nothing_written": _(
            "The language model wrote nothing. Say in other words what the draft is for, and send it again."
        ),
        "answer_busy": _(
            "The language model has too much to do right now. Your question is kept; ask it again in a"
            " few minutes."
        ),
        "answer_cut": _(
            "The language model didn’t bring the answer to its end. What it had written until then is"
            " shown above; ask for less at a time, or ask again."
        ),
        "answer_declined": _(
            "The language model declined to answer by rules of its own. Put the question in other words,"
            " or look into the documents yourself."
        ),
        "model_not_offered": _(
            "The chosen model isn’t open to you any more. Your question is kept; choose another model and"
            " ask it again."
        ),
        "no_file_ready": _(
            "None of this conversation’s files could be read; the reason stands beside each. Add another"
            " version, or ask without them."
        ),
        "interrupted": _(
            "The server was restarted while it was writing. Your question is kept; ask it again."
        ),
    }
)
# Where the page's own things, files and the choice of a model, are not beside the answer.
_FAILURES_ELSEWHERE: Mapping[str, Promise | str] = MappingProxyType(
    {
        "model_not_offered": _(
            "The model of this conversation isn’t open to you any more. Begin a new conversation and ask"
            " there."
        ),
        "no_file_ready": _(
            "None of this conversation’s files could be read. Add another version, or ask without them."
        ),
    }
)
_UNKNOWN_FAILURE = _(
    "Something went wrong on the server. Your question is kept; ask it again, and tell your"
    " administrator if it happens twice."
)

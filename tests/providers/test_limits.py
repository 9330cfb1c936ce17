"""What stands around every language model: attempts, a circuit breaker, places, an end, accounts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import ModelUnavailable
from assistant.common.pace import Stopped
from assistant.providers.bounded import repeats
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Message, Outcome, Role, Tokens, Usage, never, uncounted
from assistant.providers.metered import Metered, estimated_tokens
from assistant.providers.places import Places
from assistant.providers.resting import Circuit, Resting
from assistant.providers.retrying import pause_before
from tests.common.scripted_server import Script, raw, reply
from tests.providers.scripted_model import asked_of, model_at, model_server, refuses, sends, server_of, writes

ASKED = [Message(Role.USER, "How many days?")]
USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 31, "completion_tokens": 7}}\n\n'
PIECE = 'data: {"choices": [{"delta": {"content": "Three."}}]}\n\n'
END = 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'


@dataclass
class Account:
    """Keeps what it is told."""

    told: list[Usage] = field(default_factory=list)

    def __call__(self, usage: Usage) -> None:
        self.told.append(usage)

    @property
    def only(self) -> Usage:
        (usage,) = self.told
        return usage


@dataclass
class Ending:
    """A language model whose calls end as the test says, in turn."""

    outcomes: list[Outcome]
    name: str = "ending"
    asked: int = 0

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        self.asked += 1
        outcome = self.outcomes.pop(0)
        if outcome is Outcome.STOPPED:
            raise Stopped
        if outcome is not Outcome.DONE:
            raise CallFailed("It failed.", outcome)
        yield "Yes."


# Attempts


def test_pauses_grow_are_spread_and_never_last_longer_than_somebody_waits() -> None:
    failed = CallFailed("", Outcome.UNREACHABLE, after=0.5)
    for attempt, most in ((1, 1.0), (2, 2.0), (3, 4.0), (9, 8.0)):
        pauses = [pause_before(attempt, failed) or 0.0 for _ in range(300)]
        assert max(pauses) <= most
        assert max(pauses) > most / 2 > min(pauses)


@given(st.floats(0, 8), st.integers(1, 9))
def test_a_server_that_says_when_is_not_asked_sooner(seconds: float, attempt: int) -> None:
    pause = pause_before(attempt, CallFailed("", Outcome.BUSY, after=seconds, asked=True))
    assert pause is not None
    assert seconds <= pause <= seconds + 0.5


def test_nobody_waits_longer_than_eight_seconds_or_for_what_waiting_does_not_mend() -> None:
    assert pause_before(1, CallFailed("", Outcome.BUSY, after=8.1, asked=True)) is None
    assert pause_before(1, CallFailed("", Outcome.REFUSED)) is None


def test_whoever_stops_does_not_wait_for_the_next_attempt() -> None:
    seen_at: list[float] = []
    with model_server(refuses(429, Retry_After="7")) as server:

        def stop() -> bool:
            if server.seen and not seen_at:
                seen_at.append(time.monotonic())
            return bool(seen_at) and time.monotonic() - seen_at[0] > 0.5

        assert list(model_at(server_of(server)).complete(ASKED, stop=stop)) == []
        assert time.monotonic() - seen_at[0] < 4
        assert len(server.seen) == 1


def test_a_server_that_was_silent_for_as_long_as_it_may_is_not_asked_again() -> None:
    over = threading.Event()

    def stall(_sent: int) -> None:
        over.wait(20)

    with model_server(writes("never", between=stall)) as server:
        with pytest.raises(ModelUnavailable, match="silent"):
            list(model_at(server_of(server, silence_s=0.4)).complete(ASKED))
        assert len(server.seen) == 1
        over.set()


# The circuit breaker


def test_a_model_that_fails_several_times_in_a_row_is_left_in_peace_and_then_tried_by_one() -> None:
    now = [0.0]
    circuit = Circuit(clock=lambda: now[0])
    broken, done = Outcome.BROKEN, Outcome.DONE
    model = Ending([broken, done, broken, broken, broken, done, broken])
    resting = Resting(model, circuit, failures=2, rest_s=30)

    def call() -> Outcome:
        try:
            list(resting.complete(ASKED))
        except CallFailed as error:
            return error.outcome
        return Outcome.DONE

    assert [call() for _ in range(4)] == [broken, done, broken, broken]
    assert [call() for _ in range(3)] == [Outcome.RESTING] * 3
    assert model.asked == 4, "nobody is asked while it rests"
    now[0] = 31.0
    assert call() is broken  # the probe
    assert call() is Outcome.RESTING, "one failed probe is enough"
    now[0] = 62.0
    assert (call(), call()) == (done, broken), "it is back, and counts from nothing"


def test_while_one_call_tries_whether_a_model_is_back_the_others_are_told_at_once() -> None:
    now = [0.0]
    circuit = Circuit(clock=lambda: now[0])
    model = Ending([Outcome.UNREACHABLE, Outcome.DONE, Outcome.DONE])
    resting = Resting(model, circuit, failures=1, rest_s=10)
    with pytest.raises(CallFailed):
        list(resting.complete(ASKED))
    now[0] = 11.0
    probe = resting.complete(ASKED)
    assert next(probe) == "Yes."
    with pytest.raises(CallFailed, match="asked again in"):
        next(resting.complete(ASKED))
    del probe  # its reader left: nothing is known of the model, and the next may try
    assert list(resting.complete(ASKED)) == ["Yes."]


@pytest.mark.parametrize(
    "well", [Outcome.BUSY, Outcome.REFUSED, Outcome.DECLINED, Outcome.CUT, Outcome.STOPPED]
)
def test_a_server_that_is_busy_or_says_no_is_not_unwell(well: Outcome) -> None:
    model = Ending([well] * 9 + [Outcome.DONE])
    resting = Resting(model, Circuit(), failures=2, rest_s=30)
    for _ in range(9):
        with pytest.raises((CallFailed, Stopped)):
            list(resting.complete(ASKED))
    assert list(resting.complete(ASKED)) == ["Yes."]


def test_all_who_ask_one_model_learn_that_it_rests_and_who_asks_another_does_not() -> None:
    with model_server(refuses(500)) as server:
        here = replace(server_of(server), failures=2, attempts=1)
        for _ in range(2):
            with pytest.raises(ModelUnavailable, match="500"):
                list(model_at(here).complete(ASKED))
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="several times in a row and is asked again in 30 s"):
            list(model_at(here).complete(ASKED))
        assert time.monotonic() - began < 1
        assert len(server.seen) == 2
        with pytest.raises(ModelUnavailable, match="500"):
            list(model_at(replace(here, model="other")).complete(ASKED))


# Places


def test_no_more_calls_are_under_way_than_may_be_and_whoever_waits_too_long_is_told() -> None:
    over, begun = threading.Event(), threading.Event()

    def stall(sent: int) -> None:
        if sent:
            begun.set()
            over.wait(20)

    with model_server(writes("One.", " Two.", between=stall)) as server:
        here = replace(server_of(server), most_at_once=1, place_s=0.3)
        first = model_at(here).complete(ASKED)
        assert next(first) == "One."
        assert begun.wait(10)
        with pytest.raises(ModelUnavailable, match="writing 1 answers already"):
            list(model_at(here).complete(ASKED))
        assert len(server.seen) == 1
        over.set()
        assert list(first) == [" Two."]
        assert list(model_at(here).complete(ASKED)) == ["One.", " Two."]


def test_a_reader_who_leaves_gives_its_place_back() -> None:
    with model_server(writes("One.", " Two.")) as server:
        here = replace(server_of(server), most_at_once=1, place_s=0.5)
        for _ in range(3):
            pieces = model_at(here).complete(ASKED)
            next(pieces)
            del pieces


def test_places_go_to_those_who_came_first_and_a_stop_ends_the_wait() -> None:
    places, order, stopped = Places(), list[int](), threading.Event()
    assert places.enter(most=1, within_s=1, stop=never)

    def wait(number: int) -> None:
        assert places.enter(most=1, within_s=20, stop=never)
        order.append(number)
        places.leave()

    waiting = []
    for number in range(5):
        waiting.append(threading.Thread(target=wait, args=(number,)))
        waiting[-1].start()
        time.sleep(0.05)
    threading.Timer(0.1, stopped.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        places.enter(most=1, within_s=20, stop=stopped.is_set)
    assert time.monotonic() - began < 2
    places.leave()
    for each in waiting:
        each.join(20)
    assert order == [0, 1, 2, 3, 4]


# An end


def read_until_failure(pieces: Iterator[str]) -> tuple[str, str]:
    """What came, and what was said when it failed."""
    read = ""
    try:
        for piece in pieces:
            read += piece
    except ModelUnavailable as error:
        return read, str(error)
    return read, ""


def test_a_server_that_writes_more_than_it_may_is_cut_off() -> None:
    with model_server(writes(*(f"Sentence number {n} of many. " for n in range(2_000)))) as server:
        here = replace(server_of(server), most_tokens=100)
        read, why = read_until_failure(model_at(here).complete(ASKED))
    assert "does not stop writing" in why
    assert 800 < len(read) <= 1_200


@pytest.mark.parametrize(
    "words", ["Yes. ", "네. ", "\n", "The answer is three days a week, as far as I know. "]
)
def test_a_model_that_repeats_itself_is_cut_off(words: str) -> None:
    pieces = [words * (40 // len(words) + 1)] * 400
    with model_server(writes("It is three days.", *pieces)) as server:
        read, why = read_until_failure(model_at(server_of(server)).complete(ASKED))
    assert "over and over" in why
    assert len(read) < 1_500


@given(st.text(min_size=1, max_size=90), st.text(max_size=300))
def test_what_is_said_six_times_over_six_hundred_characters_is_a_repetition(words: str, before: str) -> None:
    times = max(6, 600 // len(words) + 1)
    assert repeats(before + words * times)


@given(st.lists(st.integers(0, 10**6), min_size=100, max_size=100, unique=True))
def test_lists_of_different_things_are_no_repetition(numbers: list[int]) -> None:
    assert not repeats("".join(f"- Employee {number} has three days.\n" for number in numbers)[-1_200:])


# Accounts


def test_a_call_is_accounted_for_by_what_the_server_counted() -> None:
    account = Account()
    with model_server(sends(PIECE, END, USAGE, "data: [DONE]\n\n")) as server:
        assert list(model_at(server_of(server), spent=account).complete(ASKED)) == ["Three."]
    usage = account.only
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (31, 7, False)
    assert usage.outcome == "done"
    assert usage.first_token_ms is not None
    assert 0 <= usage.first_token_ms <= usage.ms


@pytest.mark.parametrize(
    "counts",
    [
        "[1, 2]",
        '{"prompt_tokens": -5, "completion_tokens": 1}',
        '{"prompt_tokens": true, "completion_tokens": 1}',
        '{"prompt_tokens": 1e99, "completion_tokens": 1}',
        '{"prompt_tokens": 10000000000, "completion_tokens": 1}',
        '{"prompt_tokens": "many", "completion_tokens": null}',
    ],
)
def test_counts_that_cannot_be_are_not_believed(counts: str) -> None:
    account = Account()
    lie = f'data: {{"choices": [], "usage": {counts}}}\n\n'
    with model_server(sends(PIECE, END, lie)) as server:
        list(model_at(server_of(server), spent=account).complete(ASKED))
    assert account.only.estimated
    assert (account.only.input_tokens, account.only.output_tokens) == (8, 2)


@pytest.mark.parametrize(
    ("script", "outcome", "began"),
    [
        (refuses(429, Retry_After="60"), Outcome.BUSY, False),
        (refuses(503, Retry_After="60"), Outcome.BUSY, False),
        (refuses(503), Outcome.BROKEN, False),
        (raw(b""), Outcome.UNREACHABLE, False),
        (refuses(401), Outcome.KEY_REFUSED, False),
        (writes("Fifteen", end="", done=False), Outcome.BROKEN, True),
        (writes("15 days", end="length"), Outcome.CUT, True),
        (writes("I", end="content_filter"), Outcome.DECLINED, True),
        (reply(200, b"<html>"), Outcome.BROKEN, False),
        (writes(*["The same words. "] * 300), Outcome.ENDLESS, True),
    ],
)
def test_every_call_is_accounted_for_once_however_it_ended(
    script: Script, outcome: Outcome, began: bool
) -> None:
    account = Account()
    with model_server(script) as server, pytest.raises(CallFailed) as caught:
        list(model_at(replace(server_of(server), attempts=2), spent=account).complete(ASKED))
    assert caught.value.outcome is outcome
    usage = account.only
    assert usage.outcome == outcome.value
    assert (usage.first_token_ms is not None) == began
    assert (usage.input_tokens > 0) == began


def test_a_call_that_its_reader_left_is_accounted_for_once() -> None:
    account = Account()
    with model_server(writes("One.", " Two.")) as server:
        pieces = model_at(server_of(server), spent=account).complete(ASKED)
        next(pieces)
        assert account.told == []
        del pieces
    assert account.only.outcome == "stopped"
    assert account.only.output_tokens == 1


def test_a_call_that_was_never_begun_costs_nothing() -> None:
    account = Account()
    Metered(Ending([Outcome.DONE]), account).complete(ASKED)
    assert account.told == []


def test_tokens_are_reckoned_from_characters_of_both_languages() -> None:
    assert estimated_tokens("") == 0
    assert estimated_tokens("Remote work is allowed three days a week.") == 10
    assert estimated_tokens("연차 휴가는 15일이 부여됩니다.") == 10


# Words of the API


TOO_NEW = (
    b'{"error": {"message": "Unsupported parameter: \'max_tokens\' is not supported with this model. Use '
    b'\'max_completion_tokens\' instead.", "param": "max_tokens", "code": "unsupported_parameter"}}'
)
NO_TEMPERATURE = b'{"error": {"message": "Unsupported value: \'temperature\' does not support 0 with this model.", "param": "temperature", "code": "unsupported_value"}}'  # noqa: E501
NO_COUNTS = (
    b'{"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}]}'
)


def test_a_model_that_takes_other_words_is_asked_in_them_and_that_is_remembered() -> None:
    account = Account()
    refusals = reply(422, NO_COUNTS), reply(400, TOO_NEW), reply(400, NO_TEMPERATURE)
    with model_server(*refusals, writes("Three.")) as server:
        model = model_at(replace(server_of(server), attempts=1), spent=account)
        for _ in range(2):
            assert list(model.complete(ASKED)) == ["Three."]
        *_, fourth, fifth = asked_of(server)
        assert len(server.seen) == 5, "the second question is put in the right words at once"
    for body in (fourth, fifth):
        assert body.keys() == {"model", "messages", "stream", "max_completion_tokens"}
        assert body["max_completion_tokens"] == 1024
    assert [usage.outcome for usage in account.told] == ["done", "done"]


def test_a_server_that_refuses_every_word_is_not_asked_for_ever() -> None:
    every = b"stream_options max_completion_tokens temperature"
    with model_server(reply(400, every)) as server:
        with pytest.raises(ModelUnavailable, match="answers 400"):
            list(model_at(server_of(server)).complete(ASKED))
        assert len(server.seen) == 4


def test_a_question_that_is_too_long_is_said_to_be() -> None:
    long = (
        b'{"error": {"code": "context_length_exceeded", "message": "maximum context length is 4096 tokens"}}'
    )
    for script in (reply(400, long), reply(413, b"")):
        with model_server(script) as server, pytest.raises(ModelUnavailable, match="longer than the model"):
            list(model_at(server_of(server)).complete(ASKED))


def test_a_filter_before_the_model_declines() -> None:
    filtered = (
        b'{"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}'
    )
    with (
        model_server(reply(400, filtered)) as server,
        pytest.raises(ModelUnavailable, match="rules of its own"),
    ):
        list(model_at(server_of(server)).complete(ASKED))

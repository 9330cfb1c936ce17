"""Where do the sentences of a text begin and end?

Every character that is not white space lies in exactly one sentence, so a quote by
these offsets can never drop or repeat a word. In doubt two sentences stay together: half a
sentence misleads, a long quote does not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

Span = tuple[int, int]

_LINE_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_LIST_ITEM = re.compile(
    r"\s*(?:[-*+•▪◦‣●■○□·※→#>|]|\d{1,3}(?:\.\d{1,3})*[.)]\s|\d{1,2}(?:\.\d{1,2})+\s|\(?[a-zA-Z0-9가-하][.)]\s"
    r"|[①-⑳]|제\s?\d+\s?[조항장절])"
)
_HEADING_NUMBER = re.compile(
    r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[가나다라마바사아자차카타파하]|[ivxIVX]{1,4})"
)
_INLINE_BULLET = re.compile(r"(?<=\s)[•▪◦‣●■○※](?=\s)")
_END = re.compile(r"[.!?…]+|[。！？]+")
_CLOSERS = re.compile(r"(?:[\"'”’)\]」』》〉〕】]|\[[^\[\]\s]{1,12}\])*")
_OPENERS = "\"'“‘([「『《〈〔【"
_QUOTE_CLOSERS = "\"'”’」』"
_PAIRS = dict(zip("([「『《〈“〔【", ")]」』》〉”〕】", strict=True))
_CLOSED_BY = {closer: opener for opener, closer in _PAIRS.items()}
_LONGEST_ASIDE = 240  # characters: past this an "open" bracket is a typing error, not an aside
_WINDOW = 80  # characters around a mark that decide
_WRAPPED_LINE = {True: 24, False: 45}  # characters of a hard-wrapped line, Korean or not
_WRAPPED_BEFORE_LOWER_CASE = 15  # the same where the next line begins in lower case

_AFTER_SPEECH = re.compile(r"\s*(?:이?라[고는며]|하[고며는]|(?:고|며|는|란|은|을|를|이|가|의)\s)")
_FINAL_SYLLABLES = "다요까죠네함됨음"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words("""
    mr mrs ms dr prof st mt fig figs vs e.g i.e cf ca rev gen gov sen rep hon sgt lt col capt maj messrs viz
    approx eds resp
""")
_BEFORE_NUMBER = _words("""
    no nos art sec ch p pp vol para jan feb mar apr jun jul aug sep sept oct nov dec ext tel ver eq ref
""")
_SELDOM_LAST = _words("etc inc ltd co corp jr sr al ave blvd rd dept est bros llc plc univ")
_STARTERS = _words("""
    a an the this that these those it its he she they we you i his her their our your in on at for from to
    with by of and but or if when while after before although as since however there here all any each every
    no not do does is are was were what who how why where which employees please once only both during under
    over such some most many one two then thus therefore also
""")


def split_sentences(text: str) -> list[Span]:
    """Offsets `(start, end)` of the sentences of `text`, in order, without surrounding white space.

    A line of a table (cells parted by tabs), a list item and a heading on a line of its own each
    count as a sentence; lines that a page width has broken are read as one.
    """
    return [
        trimmed
        for block in _blocks(text)
        for span in _sentences_of(text, *block)
        if (trimmed := _trim(text, *span))[0] < trimmed[1]
    ]


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for match in _LINE_BREAK.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _blocks(text: str) -> Iterator[Span]:
    """Stretches that no sentence crosses: single lines, or lines that were hard-wrapped."""
    begun: Span | None = None
    previous = ""
    for start, end in _lines(text):
        line = text[start:end]
        if begun is not None and _continues(previous, line):
            begun = (begun[0], end)
        else:
            if begun is not None:
                yield begun
            begun = (start, end)
        previous = line
    if begun is not None:
        yield begun


def _continues(previous: str, line: str) -> bool:
    """Is `line` the rest of a sentence that the page width broke after `previous`?"""
    last, first = previous.strip(), line.strip()
    if not last or not first or "\t" in last or "\t" in first or _LIST_ITEM.match(line):
        return False
    if last[-1] in ".!?…。！？:：;|" or last.startswith(("#", "|")):
        return False
    if first[0].isascii() and first[0].islower():
        return len(last) > _WRAPPED_BEFORE_LOWER_CASE or last[-1] in ",-"
    korean = "가" <= last[-1] <= "힣" or "가" <= first[0] <= "힣"
    return len(last) >= _WRAPPED_LINE[korean]


def _asides(text: str, start: int, end: int) -> list[Span]:
    """Bracketed or quoted stretches, inside which no sentence ends."""
    found: list[Span] = []
    open_at: dict[str, list[int]] = {}
    straight: int | None = None
    for at in range(start, end):
        character = text[at]
        if character in _PAIRS:
            open_at.setdefault(character, []).append(at)
        elif character in _CLOSED_BY:
            begun = open_at.get(_CLOSED_BY[character])
            if begun and at - (opened := begun.pop()) <= _LONGEST_ASIDE:
                found.append((opened, at))
        elif character == '"':
            opens = at == start or text[at - 1].isspace() or text[at - 1] in _OPENERS
            if straight is None or opens:
                straight = at if opens else None
            else:
                if at - straight <= _LONGEST_ASIDE:
                    found.append((straight, at))
                straight = None
    return found


def _sentences_of(text: str, start: int, end: int) -> Iterator[Span]:
    if "\t" in text[start:end]:
        yield start, end
        return
    asides = deque(sorted(_asides(text, start, end)))
    bullets = deque(bullet.start() for bullet in _INLINE_BULLET.finditer(text, start, end))
    aside_until = start
    for mark in _END.finditer(text, start, end):
        while bullets and bullets[0] < mark.start():
            if start < bullets[0]:
                yield start, bullets[0]
            start = bullets.popleft()
        after = _CLOSERS.match(text, mark.end(), end)
        cut = after.end() if after else mark.end()
        while asides and asides[0][0] < mark.start():
            aside_until = max(aside_until, asides.popleft()[1])
        if cut > aside_until and _ends(text, start, mark, cut, end):
            yield start, cut
            start = cut
    for cut in (*bullets, end):
        if start < cut:
            yield start, cut
            start = cut


def _ends(text: str, start: int, mark: re.Match[str], cut: int, end: int) -> bool:
    """Does the sentence that begins at `start` end with this mark, whose closing brackets end at `cut`?"""
    if cut >= end:
        return True
    closers = text[mark.end() : cut]
    following = text[cut : min(end, cut + _WINDOW)].lstrip()
    quoted = any(closer in _QUOTE_CLOSERS for closer in closers)
    if not following or (quoted and _AFTER_SPEECH.match(text, cut, end)):
        return not following
    if mark.group()[0] in "。！？":
        return True
    before = text[max(start, mark.start() - 1) : mark.start()]
    if not text[cut].isspace():
        return _ends_without_space(before, closers, following)
    opener = following.lstrip(_OPENERS)[:1]
    if opener.islower() and opener.isascii():
        return False
    if mark.group() != ".":
        return "!" in mark.group() or "?" in mark.group() or opener.isupper() or before in _FINAL_SYLLABLES
    return _period_ends(text, start, mark.start(), following)


def _ends_without_space(before: str, closers: str, following: str) -> bool:
    """The Korean habit of "…했다.그는", and a footnote mark "…1999.[3]The"."""
    if closers:
        return closers.endswith("]") and (following[0].isupper() or "가" <= following[0] <= "힣")
    hangul_next = "가" <= following[0] <= "힣" or following[0] in "“‘「『"
    digit_next = following[0].isdigit() and before in {"다", "요"}
    return digit_next or (hangul_next and before != "" and before in _FINAL_SYLLABLES)


def _period_ends(text: str, start: int, at: int, following: str) -> bool:
    """Is the period at `at`, with white space after it, the end of a sentence and not of an abbreviation?"""
    sentence = text[max(start, at - _WINDOW) : at].lstrip()
    if not sentence or _HEADING_NUMBER.fullmatch(sentence):
        return False
    token = sentence.split()[-1].lstrip(_OPENERS)
    next_word = (re.match(r"[^\W_]+", following.lstrip(_OPENERS)) or [""])[0]
    word = token.casefold()
    if token.isdigit():
        return _number_ends(sentence, token, next_word)
    if word in _NEVER_LAST:
        return False
    if word in _BEFORE_NUMBER:
        return not next_word[:1].isdigit()
    initial = len(token) == 1 and token.isupper() and token.isascii()
    dotted = re.fullmatch(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}", token) is not None
    if initial or dotted or word in _SELDOM_LAST:
        return next_word.casefold() in _STARTERS or next_word[:1] >= "가"
    return True


def _number_ends(sentence: str, token: str, next_word: str) -> bool:
    """ "2024. 5. 3. 시행" and "1. 연차 2. 병가" go on; "in 2024. The" does not."""
    if next_word[:1].isdigit():
        return len(sentence.split()) > 1 and len(next_word) > len(token) + 1
    if next_word[:1] >= "가":
        return len(token) > 2  # noqa: PLR2004 - a day, a month or a list number has at most two digits
    return True

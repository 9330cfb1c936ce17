"""Since when, and until when, does a document hold, and which others does it name as older or newer?

The one place that decides it, from what the document says of itself: its title, its attributes, its first
lines, and the closing lines of a regulation. Where it says nothing, its source's time of change counts, and
is called that. Days are ISO 8601 and may lack day or month: "2026-03-02", "2026-03", "2026". No clock is
read.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from assistant.common.analysis import normalise

_LINES = 8  # a document tells its dates in its first lines or not at all
_REACH = 900  # characters
_CLOSING = 600  # characters of its end
_LIST_GAP = 8  # characters between two dates of one list
_AHEAD = timedelta(days=31)  # a notice may be written so long before the day that it bears


class Dated(StrEnum):
    """What a date is the date of."""

    EFFECTIVE = "effective"  # it holds since then
    REVISED = "revised"
    WRITTEN = "written"
    EDITION = "edition"  # a year or month in its title
    CHANGED = "changed"  # by its source, not by its own words
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """What a document's dates are read from. `changed`: the day of its source's last change of it, or ""."""

    title: str
    name: str = ""  # of its file
    opening: str = ""
    ending: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    changed: str = ""


@dataclass(frozen=True, slots=True)
class SourceDates:
    """When a document holds, by its own words; `""`, `False` and `()` where they say nothing.

    `day` tells its version apart from others: since when it holds, when it was revised or written, whichever
    counts, and `dated` which of these it is. `retired`: it says that it ended. `ended_by`, `replaces`: the
    words in which it names what replaced it, and what it replaces. `numbers`: (number without its version,
    version) of such as "HR-RW-2.0".
    """

    day: str = ""
    dated: Dated = Dated.UNKNOWN
    since: str = ""
    until: str = ""
    retired: bool = False
    ended_by: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    numbers: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def has_ended(self, today: date) -> bool:
        """Whether it says that it no longer holds on that day."""
        return last_day(self.until) < today if self.until else self.retired

    def begins_after(self, today: date) -> bool:
        """Whether it says that it holds only from a later day on."""
        return bool(self.since) and first_day(self.since) > today

    def years_held(self) -> frozenset[int]:
        """The years of which it says that it held for the greater part, or else that in which it began."""
        if not self.since or not self.until:
            return frozenset()
        begins, ends = first_day(self.since), last_day(self.until)
        years = {year for year in range(begins.year, ends.year + 1) if begins <= date(year, 7, 1) <= ends}
        return frozenset(years or {begins.year})


UNDATED = SourceDates()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands on one day. `name`: of its file. `ended`: it says that it no longer holds then.

    `coming`: it says that it holds only later.
    """

    name: str = ""
    dates: SourceDates = UNDATED
    ended: bool = False
    coming: bool = False


UNKNOWN_STANDING = Standing()


def standing_of(head: DocumentHead, *, today: date) -> Standing:
    """How the document stands today."""
    dates = dates_of(head)
    return Standing(head.name, dates, ended=dates.has_ended(today), coming=dates.begins_after(today))


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?<!\d)(?P<ky>(?:19|20)\d\d)\s?년\s?(?P<km>\d{{1,2}})\s?월(?:\s?(?P<kd>\d{{1,2}})\s?일)?"
    rf"|(?<![\d.])(?P<iy>(?:19|20)\d\d)(?:-(?P<im>\d\d)-(?P<id>\d\d)(?![\d-])"
    rf"|(?P<sep>[./])\s?(?P<jm>\d{{1,2}})(?P=sep)\s?(?P<jd>\d{{1,2}})(?!\d))"
    rf"|(?<!\d)(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<em>{_MONTH})\.?,?\s(?P<ey>(?:19|20)\d\d)(?!\d)"
    rf"|\b(?P<um>{_MONTH})\.?\s(?:(?P<ud>\d{{1,2}})(?:st|nd|rd|th)?,?\s)?(?P<uy>(?:19|20)\d\d)(?!\d)"
)
_TITLED = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)(?:(?:[-.]|년\s?)(?P<m>0[1-9]|1[0-2]|[1-9](?=월))(?!\d))?(?!\d)"
)

# What stands before a date, or after it, and says what it is the date of. The last word before it counts.
# What ends may be anything that a document speaks of: its own end opens the clause or follows its beginning.
_ENDS_BEFORE = (
    r"valid (?:un)?til|expir(?:es|y|ed)(?: on| date)?|ended(?: on)?|ends on|obsolete(?: since)?"
    r"|deprecated(?: since)?|superseded|replaced|withdrawn|retired|repealed"
    r"|폐지일?|만료일?|종료일|효력\s?상실일?"
)
_ITSELF = re.compile(
    r"^\W*(?:(?:status|상태)\W*)?(?:(?:this|the|본|이)\s?(?:document|policy|guideline|guide|rules?|version|edition|page"
    r"|notice|regulation|manual|handbook|summary|api|규정|지침|문서|안내|공지|기준|판|버전|가이드(?:라인)?)[가-힣]?\s?"
    r"(?:is|was|has been|will be|are|were)?)?\W*$"
)
_TO_ITSELF = re.compile(r"^\s*(?:[.,:;!()]|$|since\b|on\b|by\b|as of\b|in favou?r\b|with\b|되|됨|일\s?:)")
_LASTS = re.compile(r"유효|시행|효력|적용|까지\)?$")
_BEFORE = re.compile(
    rf"(?P<ends>{_ENDS_BEFORE})"
    r"|(?P<begins>시행일?자?|발효일?|적용일|기준일|유효\s?기간|effective(?: date)?"
    r"|(?:in force|valid|applies|applicable)(?: (?:from|since|as of))?|as of|with effect from"
    r"|enters? into force)"
    r"|(?P<revised>개정|최종\s?수정|수정일|갱신"
    r"|last (?:changed?|updated?|review(?:ed)?|revis(?:ed|ion)|modified)|updated?|revis(?:ed|ion)|version of)"
    r"|(?P<written>작성일?|게시일?|발행일|공고일|등록일|\bdate\b|published|issued|posted|^sent)"
)
_AFTER = re.compile(
    r"\.?\s?(?:(?P<ends>까지|(?:에|자로|부로|부터)?\s?(?:폐지|만료|종료|대체(?:되|됨|됐)))"
    r"|(?P<begins>(?:부터|부로|자로|에)\s?(?:시행|적용|발효|효력))"
    r"|(?P<revised>(?:자로|에|부로)?\s?(?:개정|수정))"
    r"|(?P<written>(?:에|자로)?\s?(?:작성|게시|공고)))"
)
_BETWEEN = re.compile(r"\s*(?:to|until|till|through|부터|[~∼–—-])\s*$")
# Between clauses; a full stop after a figure ends one only before a word: "2026. 1. 1." is a date.
_SEGMENT = re.compile(r"\s[·|/]\s|[;()\[\]\n]|(?<=[!?。])\s|(?<=[^\d\s]\.)\s(?!\d)|(?<=\d\.)\s(?=[a-z])")
_BRACKETED = re.compile(
    r"\(\s?([\d./ -]{6,12})\s?\)"
)  # a date alone in brackets belongs to what it stands behind
_UP_TO = re.compile(r"^\W*(?:(?:(?:by|in favou?r of)\s.{1,60}\s)?(?:on|since|as of)\b\W*)?$")
# A clause about another document: what it replaces, or an edition before it.
_OF_ANOTHER = re.compile(
    r"\breplaces\b|\bsupersedes\b|\breplacing\b|대체(?:한다|함|합니다|하며|하는|하여)|(?:을|를)\s?대체"
    r"|(?:19|20)\d\d\s?년?(?:도)?\s?판은|\bwhich (?:ended|expired)|이전\s?(?:판|규정)|종전|구\s?규정"
    r"|\b(?:previous|former|earlier|old) (?:version|edition|rules?|policy)"
)
_REPLACES = re.compile(
    r"\b(?:replaces|supersedes|replacing)\b|(?:을|를)\s?대체|대체(?:한다|함|합니다|하며|하는|하여)"
)
_REPLACED = re.compile(  # what is replaced: in Korean it stands before the word
    r"\b(?:replaces|supersedes|replacing)\b(?P<after>(?:[^.;\n]|\.(?=\w))+)"
    r"|(?P<before>(?:[^.;·|:\n]|\.(?=\w))+?)(?:(?:을|를)\s?대체(?=\W|[한함합하]|$)|대체(?:한다|함|합니다|하며|하는|하여))"
)
_ENDED = re.compile(
    r"\b(?:superseded|replaced|obsolete|deprecated|withdrawn|retired|repealed|no longer (?:valid|in force))\b"
    r"|폐지(?:됨|되었|된|일|$)|대체(?:됨|되었|됐)|만료됨|효력을 잃"
)
_AMENDED = re.compile(
    r"<[^<>\n]*>|\[[^\[\]\n]*(?:신설|개정)[^\[\]\n]*\]"
)  # the history of one article of a law
_STATUS = re.compile(r"^\W*(?:status|상태)\W")
_NUMBER = re.compile(
    r"(?<![\w-])(?P<stem>[A-Za-z]{1,8}(?:[-_/][A-Za-z0-9]{1,8}){0,3})"
    r"[-_ ]v?(?P<v>\d{1,3}(?:\.\d{1,3}){1,2})(?![\w.]*\d)"
)
_RETIRED_VALUES = re.compile(
    r"superseded|obsolete|deprecated|archived?|withdrawn|retired|expired|폐지|만료|구버전"
)
_ATTRIBUTES: Mapping[str, str] = {
    **dict.fromkeys(("effective", "effective_date", "effective_from", "valid_from", "시행일"), "begins"),
    **dict.fromkeys(
        ("valid_until", "valid_to", "expires", "expiry", "expiry_date", "폐지일", "만료일"), "ends"
    ),
    **dict.fromkeys(("revised", "updated", "last_updated", "last_modified", "개정일", "수정일"), "revised"),
    **dict.fromkeys(("date", "published", "issued", "created", "작성일", "게시일"), "written"),
    **dict.fromkeys(("replaced_by", "superseded_by", "대체문서"), "ended_by"),
    **dict.fromkeys(("replaces", "supersedes", "대체대상"), "replaces"),
    **dict.fromkeys(("status", "상태"), "status"),
}


@dataclass(slots=True)
class _Said:
    """What was found so far."""

    begins: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    ended_by: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    retired: bool = False

    def add(self, kind: str, day: str) -> None:
        {"begins": self.begins, "ends": self.ends, "revised": self.revised, "written": self.written}[
            kind
        ].append(day)


@lru_cache(maxsize=4096)
def dates_of(head: DocumentHead) -> SourceDates:
    """What the document says of itself, and the day that tells its version apart."""
    said = _Said()
    _read_attributes(head.attributes, said)
    for segment in _segments(head.title):
        _read_dates(segment, said)
    opening = _opening(head.opening)
    for line in opening.split("\n"):
        _read_line(line, said)
    for segment in _segments(normalise(head.ending[-_CLOSING:])):
        closing = _Said()
        _read_dates(segment, closing)
        if "시행" in segment:
            said.begins.extend(closing.begins)
    since = said.begins[0] if said.begins else ""
    until = min(said.ends, key=last_day, default="")
    if since and until and last_day(until) < first_day(since):
        until = ""  # the end of something else
    day, dated = _version_day(said, since, head)
    return SourceDates(
        day=day,
        dated=dated,
        since=since,
        until=until,
        retired=said.retired or bool(said.ended_by),
        ended_by=tuple(said.ended_by),
        replaces=tuple(said.replaces),
        numbers=_numbers(head.title, opening),
    )


def first_day(day: str) -> date:
    """The first day of an ISO day, month or year."""
    year, month, number = ([*map(int, day.split("-")), 1, 1])[:3]
    return date(year, month, number)


def last_day(day: str) -> date:
    """The last day of an ISO day, month or year."""
    parts = [*map(int, day.split("-"))]
    year, month = parts[0], parts[1] if len(parts) > 1 else 12
    return date(year, month, parts[2] if len(parts) > 2 else monthrange(year, month)[1])  # noqa: PLR2004


def day_before(day: str) -> str:
    """The day before the first day of what is given."""
    return (first_day(day) - timedelta(days=1)).isoformat()


def _version_day(said: _Said, since: str, head: DocumentHead) -> tuple[str, Dated]:
    """Since when it holds, unless it was revised after that; else what comes nearest."""
    # What is dated far after the last change belongs to something else: the end of a contract.
    latest = first_day(head.changed) + _AHEAD if head.changed else date.max
    written = [day for day in said.written if first_day(day) <= latest]
    revised = max((day for day in said.revised if first_day(day) <= latest), key=first_day, default="")
    if since and (not revised or first_day(revised) <= last_day(since)):
        return since, Dated.EFFECTIVE
    if revised:
        return revised, Dated.REVISED
    if written:
        return written[0], Dated.WRITTEN
    titled = {match.group("y"): _iso(match["y"], match["m"], None) for match in _TITLED.finditer(head.title)}
    if len(titled) == 1:
        return next(iter(titled.values())), Dated.EDITION
    return (head.changed, Dated.CHANGED) if head.changed else ("", Dated.UNKNOWN)


def _opening(text: str) -> str:
    plain = _AMENDED.sub("", normalise(text[:_REACH])).replace("*", "").replace("`", "")
    lines = plain.split("\n")
    return "\n".join([line for line in lines if line.strip()][:_LINES])


def _segments(text: str) -> Iterator[str]:
    plain = _BRACKETED.sub(r" \1 ", normalise(text))
    yield from (part for part in _SEGMENT.split(plain) if part and part.strip())


def _read_line(line: str, said: _Said) -> None:
    """One line of the opening: its dates, and what it says of other documents."""
    parts = list(_segments(line))
    if not any(_REPLACES.search(part) for part in parts):
        ended = [at for at, part in enumerate(parts) if _ended(part)]
        if ended:
            said.retired = True
            said.ended_by.append(" ".join(parts[ended[0] :]))
    said.replaces.extend(match["after"] or match["before"] for match in _REPLACED.finditer(line))
    for part in parts:
        if not _OF_ANOTHER.search(part):
            _read_dates(part, said)


def _ended(part: str) -> bool:
    """Whether the document says that it ended itself: as its status, in a few words, or with a date."""
    found = _ENDED.search(part)
    if found is None or _OF_ANOTHER.search(part):
        return False
    opens = _ITSELF.search(part[: found.start()]) and _TO_ITSELF.search(part[found.end() :])
    return opens is not None or _STATUS.search(part) is not None


def _read_dates(part: str, said: _Said) -> None:
    """The dates of a clause, by the words beside them. A range after a word counts to its end."""
    before, reached = "", 0
    for match in _DATE.finditer(part):
        kind = _kind_of(part, match, before, reached)
        if kind and (day := _day(match)):
            said.add(kind, day)
        before, reached = kind, match.end()


def _kind_of(part: str, match: re.Match[str], before: str, reached: int) -> str:
    """What the date is the date of; `before` is what the one that ends at `reached` is the date of."""
    between = part[reached : match.start()]
    after = _AFTER.match(part, match.end())
    if after is not None and after.lastgroup:
        itself = "까지" not in after.group() and _ITSELF.search(part[: match.start()])
        if after.lastgroup != "ends" or before == "begins" or itself or _LASTS.search(part):
            return after.lastgroup
        return ""
    if before == "begins" and _BETWEEN.search(between):
        return "ends"
    told = list(_BEFORE.finditer(part, reached, match.start()))
    if told:
        cue = told[-1]
        itself = _ITSELF.search(part[: cue.start()]) and _UP_TO.search(part[cue.end() : match.start()])
        return "" if cue.lastgroup == "ends" and not itself else cue.lastgroup or ""
    return before if before and len(between) <= _LIST_GAP else ""


def _read_attributes(attributes: tuple[tuple[str, str], ...], said: _Said) -> None:
    for name, value in attributes:
        kind = _ATTRIBUTES.get(normalise(name).strip().lstrip("_").replace(" ", "_").replace("-", "_"), "")
        text = normalise(value)
        if kind == "status":
            said.retired = said.retired or _RETIRED_VALUES.search(text) is not None
        elif kind == "ended_by" and text.strip():
            said.ended_by.append(text)
        elif kind == "replaces" and text.strip():
            said.replaces.append(text)
        elif kind in {"begins", "ends", "revised", "written"}:
            found = _DATE.search(text)
            if found is not None and (day := _day(found)):
                said.add(kind, day)


def _day(match: re.Match[str]) -> str:
    parts = match.groupdict()
    for year, month, day in (("ky", "km", "kd"), ("iy", "im", "id"), ("iy", "jm", "jd"), ("ey", "em", "ed")):
        if parts[year] and parts[month]:
            return _iso(parts[year], parts[month], parts[day])
    return _iso(parts["uy"], parts["um"], parts["ud"]) if parts["uy"] else ""


def _iso(year: str, month: str | None, day: str | None) -> str:
    """The parts as an ISO day, or "" where there is no such day."""
    if not month:
        return year
    number = _MONTHS.get(month) or int(month)
    try:
        found = date(int(year), number, int(day or 1))
    except ValueError:
        return ""
    return found.isoformat() if day else found.isoformat()[:7]


def _numbers(title: str, opening: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The document's own numbers that end in a version, once each: not those in clauses that name others."""
    found: dict[str, tuple[int, ...]] = {}
    for line in (normalise(title), *opening.split("\n")):
        parts = list(_segments(line))
        named = next((at for at, part in enumerate(parts) if _ended(part)), len(parts))
        for part in parts[:named]:
            if _REPLACES.search(part):
                continue
            for match in _NUMBER.finditer(part):
                if re.search(r"[-_/]", match["stem"]):
                    found.setdefault(match["stem"], tuple(map(int, match["v"].split("."))))
    return tuple(found.items())

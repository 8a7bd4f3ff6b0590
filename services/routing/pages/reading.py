"""An account in the words of one language: what the page and the command both show.

Both show whole seconds. Every instant is cut to its second first and all spans follow from those, so that what is shown adds up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from schemas.values import Language
from services.routing.domain.daily import Day, daily
from services.routing.domain.explain import NOTHING, Line
from services.routing.domain.notices import Notice
from services.routing.explaining import Account, Move
from services.routing.pages import when
from services.routing.pages.texts import text


def in_seconds(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines between whole seconds, still without a gap; what was carried keeps its length, cut too."""
    for line in lines:
        start, end = line.start.replace(microsecond=0), line.end.replace(microsecond=0)
        if line.reason == "carried":
            yield replace(line, start=start, end=end, counted=line.counted // when.SECOND * when.SECOND)
        elif start < end:
            yield replace(line, start=start, end=end, counted=end - start if line.counted else NOTHING)


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a day; `end` reads 24:00 where the day ends."""

    start: str
    end: str
    counted: str
    is_counted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A day, or several that went alike. `change`: said before it, where it is measured by something else from here on."""

    day: str
    count: int
    pieces: tuple[Piece, ...]
    counted: str
    total: str
    change: str | None
    source: Day


class Reading:
    """One account in one language. `worked` is what the lines shown sum to."""

    def __init__(self, account: Account, language: Language) -> None:
        self.account, self.language = account, language
        self.t = partial(text, language)
        self.lines = tuple(in_seconds(account.explanation.lines))
        self.worked = sum((line.counted for line in self.lines), NOTHING)

    @property
    def kind(self) -> str:
        return self.t(f"clock_{self.account.clock.kind}")

    @property
    def sentence(self) -> str:
        """How the clock stands, in one sentence."""
        clock, state = self.account.clock, self.account.state
        key: str = state
        if state == "running" and clock.due_at is not None and clock.due_at < self.account.explanation.at:
            key = "overdue"
        if state == "paused" and clock.is_missed:
            key = "paused_missed"
        instants = {"due": clock.due_at, "missed": clock.missed_at, "finished": clock.finished_at}
        told = {name: self.moment(at) for name, at in instants.items() if at is not None}
        return self.t(f"says_{key}", **({"left": self.left[1], "due": "-"} | told))

    def moment(self, at: datetime) -> str:
        return when.moment(at, self.account.zone, self.language)

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        clock, told = self.account.clock, self.account.explanation
        yield self.t("target"), self.target
        yield self.t("policy"), self.t("policy_is", policy=clock.policy, revision=clock.revision)
        yield self.t("calendar"), f"{clock.calendar} ({self.account.zone.key})"
        missed = clock.missed_at if clock.is_missed else None
        for key, at in (("started", clock.started_at), ("due", clock.due_at), ("missed", missed), ("finished", clock.finished_at)):
            if at is not None:
                yield self.t(key), self.moment(at)
        if clock.finished_at is None:
            yield self.t("as_of"), self.moment(told.at)
        yield self.t("spent"), self.spent
        for move in self.account.moves:
            yield self.t("moved"), self.moved(move)
        yield self.left
        if told.permille is not None:
            yield self.t("percent"), f"{when.number(told.permille / 10, self.language)} %"
        if clock.target.days is not None:
            yield self.t("days_counted"), self.days

    @property
    def target(self) -> str:
        target = self.account.clock.target
        if target.hours is not None:
            return self.t("target_hours", value=when.number(target.hours, self.language))
        return self.in_days(target.days or 0) + ", " + self.t("receipt_counts" if target.count_first_day else "receipt_does_not")

    def moved(self, move: Move) -> str:
        """By how much an administrator moved the deadline, with the reason."""
        repair = move.repair
        if self.account.clock.target.days is not None:
            by, sign = self.in_days(abs(repair.granted_days)), "-" if repair.granted_days < 0 else "+"
        else:
            by, sign = self.t("target_hours", value=when.span(abs(repair.granted))), "-" if repair.granted < NOTHING else "+"
        return self.t("moved_by", by=f"{sign}{by}", who=move.by, at=self.moment(repair.at), because=repair.because)

    @property
    def disagreement(self) -> str | None:
        """That this does not add up to what the reports count, where it does not."""
        account = self.account
        if account.agrees:
            return None
        said = account.elapsed if account.recorded is None else account.recorded
        return self.t("disagrees", sum=when.span(account.explanation.worked), recorded=when.span(said))

    @property
    def spent(self) -> str:
        told = self.account.explanation
        hours = self.t("target_hours", value=when.span(self.worked))
        return hours if told.left_days is None else f"{self.in_days(told.counted_days)} ({hours})"

    @property
    def left(self) -> tuple[str, str]:
        """(left or over, how much)."""
        told = self.account.explanation
        if told.allowed is not None:
            left = told.allowed - self.worked
            return self.t("over" if left < NOTHING else "left"), self.t("target_hours", value=when.span(abs(left)))
        days = told.left_days or 0
        return self.t("over" if days < 0 else "left"), self.in_days(abs(days))

    def in_days(self, count: int) -> str:
        return self.t("one_day" if count == 1 else "days", count=count)

    @property
    def sum(self) -> str:
        return when.span(self.worked)

    @property
    def days(self) -> str:
        told = self.account.explanation
        named = ", ".join(when.day(day, self.language) for day in told.days)
        carried = self.t("days_carried", count=told.carried_days) if told.carried_days else ""
        return " ".join(part for part in (named, carried) if part) or self.t("no_days")

    @property
    def rows(self) -> Iterator[Row]:
        source = None
        several = len({line.source for line in self.lines}) > 1
        for day in daily(self.lines):
            changed = several and source != day.source
            change = self._source(day, first=source is None) if changed else None
            source = day.source
            yield Row(
                day=when.days(day.first, day.last, self.language),
                count=day.count,
                pieces=tuple(self._piece(line) for line in day.lines),
                counted=when.span(day.counted),
                total=when.span(day.total),
                change=change,
                source=day,
            )

    def _source(self, day: Day, *, first: bool) -> str:
        source, zone = day.source, day.lines[0].zone.key
        policy = self.t("policy_is", policy=source.policy, revision=source.revision) if source.policy else "-"
        return self.t("measured_first" if first else "measured_from_here", calendar=source.calendar, zone=zone, policy=policy)

    def _piece(self, line: Line) -> Piece:
        end = when.wall(line.end, line.zone)
        if line.reason == "carried":
            end = self.moment(line.end)
        elif end == "00:00" and line.end - line.start > timedelta(0):
            end = "24:00"
        return Piece(
            when.wall(line.start, line.zone), end, when.span(line.counted), bool(line.counted), line.words.in_language(self.language)
        )

    def what(self, notice: Notice) -> str:
        label = notice.label.in_language(self.language)
        return self.t("step", what=label[:1].lower() + label[1:]) if notice.what == "step" else label

    def fate(self, notice: Notice) -> str:
        """When it came or will come, and when it was recorded where that was later."""
        if notice.at is None:
            return ""
        told = self.moment(notice.at)
        late = notice.recorded_at is not None and notice.recorded_at - notice.at >= timedelta(minutes=1)
        if late and notice.recorded_at is not None:
            told += ", " + self.t("recorded", at=self.moment(notice.recorded_at))
        return told

"""The one mail that tells somebody of many alarms, or of much new work: counts, then a table with the most pressing first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kit.mongo import Document
from schemas.values import Language
from services.notifier import mime
from services.notifier.digest_paper import Contents, Paper, shortened, tidy
from services.notifier.domain.gathering import Alarm, Digest, Row, digest, one_of
from services.notifier.domain.new_work import NewWork, NewWorkDigest
from services.notifier.domain.notices import notice_of_digest
from services.notifier.local_time import wall_time, zone_name
from services.notifier.rendering import Letterhead

_WORDS: Final = ("subject", "greeting", "opening", "headings", "due", "more", "zone", "closing")


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the table in the reader's words; `due` and `late` are empty while the clock stands still."""

    reference: str
    subject: str
    what: str
    due: str
    late: str
    link: str | None


@dataclass(frozen=True, slots=True)
class _WorkLine:
    """A row of the table of new work; `due` is empty where no clock runs."""

    reference: str
    subject: str
    business: str
    due: str
    link: str | None


class DigestMail:
    """Rendered once, when the digest is made; every attempt sends the same bytes."""

    def __init__(self, letterhead: Letterhead) -> None:
        self._paper = Paper(letterhead)

    def render(self, row: Document, alarms: Sequence[Alarm], at: datetime) -> bytes:
        """The mail of a digest's delivery, made at `at`."""
        told = digest(alarms, at)
        zones = list(dict.fromkeys(line.alarm.timezone for line in told.rows))
        module = self._paper.wording(f"{row['language']}.j2", _context(row, told, zones, at))
        contents = Contents(
            layout="layout",
            words={name: tidy(getattr(module, name)) for name in _WORDS},
            lines=[self._line(line, module, _naming(row, zones)) for line in told.rows],
            notice=notice_of_digest(row["recipient"], alarms),
            zone=one_of([alarm.timezone for alarm in alarms]),
            mailbox=one_of([alarm.mailbox for alarm in alarms]),
        )
        return self._paper.mail(row, contents, at)

    def render_new_work(self, row: Document, told: NewWorkDigest) -> bytes:
        """The same of requests that were given to somebody."""
        zones = list(dict.fromkeys(work.timezone for work in told.rows))
        module = self._paper.wording(f"new_work.{row['language']}.j2", _context(row, told, zones, told.at))
        contents = Contents(
            layout="new_work",
            words={name: tidy(getattr(module, name)) for name in _WORDS},
            lines=[self._work_line(work, _naming(row, zones)) for work in told.rows],
            notice=told.notice(),
            zone=one_of(zones),
            mailbox=one_of([work.mailbox for work in told.rows]),
        )
        return self._paper.mail(row, contents, told.at)

    def _line(self, row: Row, module: Any, naming: Language | None) -> _Line:  # noqa: ANN401 (a template's module)
        alarm = row.alarm
        return _Line(
            reference=mime.one_line(alarm.reference),
            subject=shortened(alarm.subject),
            what=mime.one_line(str(module.what(alarm))),
            due=_wall(alarm.due_at, alarm.timezone, naming) if alarm.due_at else "",
            late=mime.one_line(str(module.late(*_span(row.late_by)))) if row.late_by is not None else "",
            link=self._paper.link(alarm.ticket_id),
        )

    def _work_line(self, work: NewWork, naming: Language | None) -> _WorkLine:
        return _WorkLine(
            reference=mime.one_line(work.reference),
            subject=shortened(work.subject),
            business=shortened(work.business),
            due=_wall(work.due_at, work.timezone, naming) if work.due_at else "",
            link=self._paper.link(work.ticket_id),
        )


def _context(row: Document, told: Digest | NewWorkDigest, zones: Sequence[str], at: datetime) -> dict[str, Any]:
    return {
        "digest": told,
        "name": mime.one_line(row["name"] or row["address"]),
        "now": _wall(at, zones[0], _naming(row, zones)),
        "zones": "; ".join(zone_name(zone, row["language"], at) for zone in zones),
    }


def _naming(row: Document, zones: Sequence[str]) -> Language | None:
    """Where zones differ, each time has its own, named in this language; else it stands once in the mail."""
    language: Language = row["language"]
    return language if len(zones) > 1 else None


def _wall(at: datetime, timezone: str, naming: Language | None) -> str:
    return f"{wall_time(at, timezone)} ({zone_name(timezone, naming, at)})" if naming else wall_time(at, timezone)


def _span(late_by: timedelta) -> tuple[int, int, int, bool]:
    """Days, hours, minutes of real time, and whether it is still to come."""
    minutes = abs(late_by) // timedelta(minutes=1)
    return minutes // 1440, minutes // 60 % 24, minutes % 60, late_by < timedelta(0)

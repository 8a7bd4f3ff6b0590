"""The pages themselves. Wording is in `texts`, what goes wrong in `domain.problems`, the look in `static/intake.css`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from schemas.numbers import grouped
from schemas.values import Language, LocalText
from services.intake.domain import files, form, request
from services.intake.domain.problems import FieldProblem, sentence
from services.intake.pages import when
from services.intake.pages.texts import text
from services.intake.pages.view import StatusView

STATIC_DIRECTORY: Final = Path(__file__).parent / "static"
"""To be served at `/static`."""

ProblemKind = Literal[
    "not_found",
    "malformed_reference",
    "mistyped_reference",
    "bad_link",
    "expired_link",
    "file_gone",
    "cannot_answer",
    "too_large",
    "conflict",
    "unreadable",
    "unavailable",
    "failed",
]

PROBLEM_STATUS: Final[Mapping[ProblemKind, int]] = {
    "not_found": 404,
    "malformed_reference": 404,
    "mistyped_reference": 404,
    "bad_link": 404,
    "expired_link": 410,
    "file_gone": 404,
    "cannot_answer": 409,
    "too_large": 413,
    "conflict": 409,
    "unreadable": 400,
    "unavailable": 503,
    "failed": 500,
}
"""The HTTP status that goes with each problem page."""

_GO_BACK: Final[frozenset[ProblemKind]] = frozenset({"too_large", "unreadable", "unavailable", "failed"})
"""Where what was typed is still in the browser, one page back: no link leads away from it."""

_LIMITS: Final = {
    "files": files.MOST_FILES,
    "file": files.LARGEST_FILE // files.MEGABYTE,
    "total": files.LARGEST_TOTAL // files.MEGABYTE,
}

_FORM_ORDER: Final = ("topic", "unit", "subject", "text", "attachments", "business", "contact")


class Choice(Protocol):
    """Something to choose from a list: `schemas.values.Named`, or a topic or unit of the organisation."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> LocalText: ...


@dataclass(frozen=True)
class FollowUpForm:
    """The form on the status page: the link's own token, a fresh UUID, and what was typed where it came back with errors."""

    token: str
    submission_id: str
    text: str = ""
    errors: tuple[FieldProblem, ...] = ()
    sent: bool = field(default=False, kw_only=True)


class Pages:
    """Renders every page of intake; made once, without state between pages."""

    def __init__(self, organisation: LocalText) -> None:
        self._organisation = organisation
        self._environment = Environment(
            loader=PackageLoader("services.intake.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._style = f"/static/intake.css?v={_digest(STATIC_DIRECTORY / 'intake.css')}"

    def form(
        self,
        language: Language,
        topics: Sequence[Choice],
        units: Sequence[Choice],
        *,
        values: Mapping[str, str],
        errors: Sequence[FieldProblem],
        submission_id: str,
    ) -> str:
        """The form, posted to `/` with its language. `values`: by path (`business.name`), as they were typed."""
        fields = {"values": values, "errors": _shown(errors, language), "submission_id": submission_id, "trap": form.TRAP}
        switch = None if errors else "/?" + urlencode({"lang": _other(language)})
        fields["switch_form"] = "form" if errors else ""
        return self._render("form.html", language, switch, topics=topics, units=units, **fields)

    def received(self, language: Language, reference: str, status_url: str) -> str:
        """What the person sees after sending: shown after a redirect, so that reloading sends nothing again."""
        return self._render("received.html", language, _switched(status_url, language), reference=reference, status_url=status_url)

    def status(self, language: Language, view: StatusView, follow_up: FollowUpForm) -> str:
        """The status page; its form is posted to `/requests/{reference}/messages?k={token}&lang={language}`.

        Files are linked as `/requests/{reference}/files/{id}?k={token}&lang={language}`.
        """
        query = urlencode({"k": follow_up.token, "lang": language})
        fields = {
            "action": f"/requests/{view.reference}/messages?{query}",
            "file_url": lambda file: f"/requests/{view.reference}/files/{quote(file.id)}?{query}",
            "errors": _shown(follow_up.errors, language),
            "values": {"text": follow_up.text},
            "moment": partial(when.moment, timezone=view.timezone, language=language),
        }
        switch = None if follow_up.errors else f"?{urlencode({'k': follow_up.token, 'lang': _other(language)})}"
        return self._render("status.html", language, switch, view=view, follow_up=follow_up, **fields)

    def problem(self, language: Language, kind: ProblemKind, switch: str | None = None) -> str:
        """Why there is no such page, and what to do; `PROBLEM_STATUS` has the HTTP status. `switch`: the same in the other language."""
        return self._render("problem.html", language, switch, kind=kind, go_back=kind in _GO_BACK)

    def _render(self, template: str, language: Language, switch: str | None, **context: object) -> str:
        shared = {
            "language": language,
            "other": _other(language),
            "switch": switch,
            "organisation": self._organisation.in_language(language),
            "style": self._style,
            "t": partial(text, language),
            "local": lambda name: name.in_language(language),
            "minutes": partial(when.working_minutes, language=language),
            "size": partial(_size, language),
            "limits": _LIMITS,
            "longest": grouped(request.LONGEST_TEXT, language),
            "errors": (),
            "switch_form": "",
        }
        return self._environment.get_template(template).render(shared | context)


@dataclass(frozen=True)
class ShownError:
    """A problem as the page shows it: in the summary as a link to `id`, and beside the field."""

    id: str
    message: str


def _shown(errors: Sequence[FieldProblem], language: Language) -> tuple[ShownError, ...]:
    """In the order of the fields on the page; what belongs to none that is seen leads to the form itself."""
    in_order = sorted(errors, key=_position)
    return tuple(ShownError(_anchor(error.field), sentence(error, language)) for error in in_order)


def _anchor(path: str) -> str:
    return form.field_id(path) if path in form.TYPED[:-1] or path.partition(".")[0] == form.FILES else "form"


def _position(error: FieldProblem) -> tuple[int, int]:
    head = error.field.partition(".")[0]
    rank = _FORM_ORDER.index(head) if head in _FORM_ORDER else len(_FORM_ORDER)
    return rank, form.TYPED.index(error.field) if error.field in form.TYPED else 0


def _other(language: Language) -> Language:
    return "vi" if language == "en" else "en"


def _switched(url: str, language: Language) -> str:
    """The page of `url`'s token in the other language, relative to the page that is shown."""
    query = urlsplit(url).query
    return f"?{query}&lang={_other(language)}" if query else f"?lang={_other(language)}"


def _size(language: Language, count: int) -> str:
    if count < files.MEGABYTE:
        return f"{-(-count // 1024)} KB"
    megabytes = f"{count / files.MEGABYTE:.1f}"
    return f"{megabytes if language == 'en' else megabytes.replace('.', ',')} MB"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]

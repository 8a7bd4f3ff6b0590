"""The organisation as its administrators write it down: one document, loaded whole, revisioned.

`helpdesk load FILE.yaml` validates it and gives every service the same revision of it. Keys are short
lower-case words; everything a person reads has a Vietnamese and an English name.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas.values import Channel, ClockKind, Group, Language, LocalText, Named, Person, Priority

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]
TaxCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}(-[0-9]{3})?$|^[0-9]{12}$")]
Window = tuple[TimeOfDay, TimeOfDay]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Part(BaseModel):
    """Strict: a misspelt field in the organisation file is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClosedDay(Part):
    date: date
    name: str = ""
    source: str = Field(default="", description="The file it was read from; empty for one that is written here.")


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _day(value: object) -> object:
    return {"date": value} if isinstance(value, str | date) else value


class CalendarSpec(Part):
    """When a group works. Windows are wall-clock times in `timezone`; `24:00` ends a day."""

    key: Key = "calendar"
    timezone: str = Field(description="IANA zone, e.g. `Asia/Ho_Chi_Minh`.")
    week: dict[Weekday, tuple[Window, ...]] = Field(default_factory=dict)
    holidays: str | None = Field(default=None, description="Country code whose public holidays and make-up days are the seed, e.g. `VN`.")
    ics: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        default=(),
        description="iCalendar files beside the organisation file; `helpdesk load` reads their events into `closed` and `closures`.",
    )
    closed: tuple[Annotated[ClosedDay, BeforeValidator(_day)], ...] = Field(default=(), description="Days off, besides the seed.")
    extra: dict[date, tuple[Window, ...]] = Field(
        default_factory=dict,
        description="Windows of a day that replace every other rule for it: make-up days, half days, a seed's holiday worked.",
    )
    closures: dict[date, tuple[Window, ...]] = Field(default_factory=dict, description="Windows cut out of a day: partial closures.")
    names: dict[date, str] = Field(
        default_factory=dict, description="What the days of `extra` and `closures` are, shown when a deadline is explained."
    )


class Target(Part):
    """Working hours or working days: different units, never converted."""

    clock: ClockKind
    hours: float | None = Field(default=None, gt=0, le=10_000, description="Working hours.")
    days: int | None = Field(default=None, gt=0, le=1_000, description="Working days; ends at the close of the last one.")
    count_first_day: bool = Field(default=False, description="Whether the day of receipt is the first working day.")
    warn_percent: tuple[Annotated[int, Field(gt=0, lt=100)], ...] = (75,)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.hours is None) == (self.days is None):
            raise ValueError("give either `hours` or `days`")
        return self


Recipient = Literal["officer", "lead", "supervisor", "authority"]


class Step(Part):
    """One step of the ladder: when, to whom, and whether the ticket moves."""

    key: Key | None = Field(default=None, description="Keeps a step the same one when its time changes; else it is known by when and what.")
    clock: ClockKind = "resolution"
    percent: int | None = Field(default=None, gt=0, le=100, description="Share of the target.")
    after_hours: float | None = Field(default=None, ge=0, description="Working hours after the miss.")
    after_days: int | None = Field(default=None, ge=0, description="Working days after the miss.")
    tell: tuple[Recipient, ...] = ()
    take_over: Literal["parent_group", "authority"] | None = None

    @model_validator(mode="after")
    def _one_instant(self) -> Self:
        if sum(x is not None for x in (self.percent, self.after_hours, self.after_days)) != 1:
            raise ValueError("give one of `percent`, `after_hours`, `after_days`")
        return self


DEFAULT_LADDER = (
    Step(percent=75, tell=("officer", "lead")),
    Step(percent=100, tell=("lead", "supervisor")),
    Step(after_hours=4, tell=("lead", "supervisor"), take_over="parent_group"),
    Step(after_days=1, tell=("supervisor", "authority"), take_over="authority"),
)


class PolicySpec(Part):
    """Which clocks with which targets apply to which tickets; the first policy whose every condition holds wins."""

    key: Key
    topics: tuple[Key, ...] = Field(default=(), description="Empty: every topic.")
    units: tuple[Key, ...] = Field(default=(), description="Groups of these units and of the units below them. Empty: all.")
    channels: tuple[Channel, ...] = ()
    priorities: tuple[Priority, ...] = ()
    member_tiers: tuple[Key, ...] = Field(default=(), description="Members of these tiers. Empty: every business, member or not.")
    targets: tuple[Target, ...] = Field(min_length=1)
    ladder: tuple[Step, ...] = DEFAULT_LADDER
    reopen_days: int = Field(default=14, ge=0, description="Days after a resolution in which the business can reopen it.")

    def target(self, clock: ClockKind) -> Target | None:
        return next((target for target in self.targets if target.clock == clock), None)


class UnitSpec(Part):
    key: Key
    name: LocalText
    parent: Key | None = None
    level: Literal["general_department", "department", "sub_department", "team"]


class TopicSpec(Part):
    key: Key
    name: LocalText


class GroupSpec(Part):
    key: Key
    name: LocalText
    unit: Key
    mailbox: Email | None = None
    calendar: Key
    lead: Key = Field(description="Key of the officer who leads it.")
    topics: tuple[Key, ...] = Field(default=(), description="Topics it owns within its unit. Empty: all.")
    assignment: Literal["claim", "automatic"] = "claim"
    on_duty_always: bool = Field(default=False, description="On duty 24/24: quiet hours do not apply.")
    duty_calendar: Key | None = Field(default=None, description="When alarms may be mailed, if not in the hours of `calendar`.")


class OfficerSpec(Part):
    key: Key
    name: str
    email: Email | None = None
    language: Language = "vi"
    groups: tuple[Key, ...] = ()
    supervises: tuple[Key, ...] = Field(default=(), description="Units whose whole subtree this person supervises.")
    roles: tuple[Literal["administrator", "auditor"], ...] = ()
    substitute: Key | None = None
    on_duty: bool = True


class MemberSpec(Part):
    """A business that signed a memorandum. From `signed_on` to `valid_until`, both days included, policies can favour its tier."""

    name: str
    tax_code: TaxCode
    tier: Key
    group: Key | None = Field(default=None, description="By what it imports and exports, in the organisation's own words.")
    signed_on: date
    valid_until: date


class Conditions(Part):
    """What a rule asks of a request; empty conditions match everything."""

    name: str
    topics: tuple[Key, ...] = ()
    units: tuple[Key, ...] = ()
    without_unit: bool = Field(default=False, description="Only requests whose business named no unit.")
    channels: tuple[Channel, ...] = ()
    languages: tuple[Language, ...] = ()
    words: tuple[str, ...] = Field(default=(), description="Any of these in the subject or text, case and tone marks ignored.")
    member_tiers: tuple[Key, ...] = Field(default=(), description="Members of these tiers. Empty: every business, member or not.")


class RuleSpec(Conditions):
    """An assignment rule. The first rule that matches wins and its name is the reason."""

    group: Key


class PriorityRuleSpec(Conditions):
    """How urgent a request is taken to be when it comes in. The first rule that matches wins; without one it is normal.

    A list of its own, since what is urgent and who answers are decided by different things: a rule about spoiling
    goods holds in every group, also where no assignment rule but the owner of the topic decides.
    """

    priority: Priority


class ChatAccountSpec(Part):
    key: Key
    group: Key
    secret: str = Field(min_length=24, description="Standard Webhooks secret, `whsec_…` (base64) or plain text.")
    previous_secrets: tuple[str, ...] = Field(default=(), description="Still accepted on what comes in, while the sender changes over.")
    callback_url: str | None = Field(default=None, pattern=r"^https?://", description="Where answers are posted, signed the same way.")


class AuthoritySpec(Part):
    """The top of the ladder: who decides when nobody below did."""

    name: LocalText
    email: Email | None = None
    language: Language = "vi"


Keyed = TypeVar("Keyed", UnitSpec, TopicSpec, CalendarSpec, PolicySpec, GroupSpec, OfficerSpec, ChatAccountSpec)


class _Lookups:
    """The parts of an organisation by what they are looked up by. Where a key stands twice the first one counts."""

    def __init__(self, organisation: "Organisation") -> None:
        self.units = _by_key(organisation.units)
        self.topics = _by_key(organisation.topics)
        self.calendars = _by_key(organisation.calendars)
        self.policies = _by_key(organisation.policies)
        self.groups = _by_key(organisation.groups)
        self.officers = _by_key(organisation.officers)
        self.chat_accounts = _by_key(organisation.chat_accounts)
        self.members = {member.tax_code: member for member in reversed(organisation.members)}
        self.groups_of = _grouped((group.unit, group) for group in organisation.groups)
        self.members_of = _grouped((group, officer) for officer in organisation.officers for group in dict.fromkeys(officer.groups))
        self.chains: dict[str, tuple[str, ...]] = {}


def _by_key(specs: tuple[Keyed, ...]) -> dict[str, Keyed]:
    return {spec.key: spec for spec in reversed(specs)}


def _grouped(pairs: Iterable[tuple[str, Keyed]]) -> dict[str, tuple[Keyed, ...]]:
    found: dict[str, list[Keyed]] = {}
    for key, spec in pairs:
        found.setdefault(key, []).append(spec)
    return {key: tuple(specs) for key, specs in found.items()}


class Organisation(Part):
    name: LocalText
    timezone: str = "Asia/Ho_Chi_Minh"
    units: tuple[UnitSpec, ...] = Field(min_length=1)
    topics: tuple[TopicSpec, ...] = Field(min_length=1)
    calendars: tuple[CalendarSpec, ...] = Field(min_length=1)
    policies: tuple[PolicySpec, ...] = Field(min_length=1)
    groups: tuple[GroupSpec, ...] = Field(min_length=1)
    officers: tuple[OfficerSpec, ...] = Field(min_length=1)
    rules: tuple[RuleSpec, ...] = ()
    priority_rules: tuple[PriorityRuleSpec, ...] = ()
    members: tuple[MemberSpec, ...] = ()
    focal_point: Key = Field(description="The group that gets what no rule matches.")
    competent_authority: AuthoritySpec
    chat_accounts: tuple[ChatAccountSpec, ...] = ()

    @cached_property
    def _lookups(self) -> _Lookups:
        """Made at the first question; an organisation has hundreds of units and is asked a dozen things a ticket."""
        return _Lookups(self)

    def __copy__(self) -> Self:
        """A copy may be changed on the way: it makes its own lookups."""
        copied = super().__copy__()
        copied.__dict__.pop("_lookups", None)
        return copied

    def unit(self, key: str) -> UnitSpec | None:
        return self._lookups.units.get(key)

    def topic(self, key: str) -> TopicSpec | None:
        return self._lookups.topics.get(key)

    def group(self, key: str) -> GroupSpec | None:
        return self._lookups.groups.get(key)

    def officer(self, key: str) -> OfficerSpec | None:
        return self._lookups.officers.get(key)

    def policy(self, key: str) -> PolicySpec | None:
        return self._lookups.policies.get(key)

    def chat_account(self, key: str) -> ChatAccountSpec | None:
        return self._lookups.chat_accounts.get(key)

    def calendar(self, key: str) -> CalendarSpec | None:
        return self._lookups.calendars.get(key)

    def member(self, tax_code: str) -> MemberSpec | None:
        """The business with exactly this tax code, whatever the dates; that of a dependent unit is not its head's."""
        return self._lookups.members.get(tax_code)

    def groups_of(self, unit: str) -> tuple[GroupSpec, ...]:
        """The groups that belong to the unit itself, in the order of the file."""
        return self._lookups.groups_of.get(unit, ())

    def members_of(self, group: str) -> tuple[OfficerSpec, ...]:
        """The group's officers, in the order of the file."""
        return self._lookups.members_of.get(group, ())

    def ancestors(self, unit: str) -> tuple[str, ...]:
        """The unit itself, then its parents up to the root."""
        chains = self._lookups.chains
        if unit not in chains:
            chain: list[str] = []
            current = self.unit(unit)
            while current is not None and current.key not in chain:
                chain.append(current.key)
                current = self.unit(current.parent) if current.parent else None
            if current is None and not chain:
                return ()
            chains[unit] = tuple(chain)
        return chains[unit]

    def measures(self) -> str:
        """A digest of all that deadlines follow from: two organisations with the same one measure every clock alike."""
        parts = {"calendars", "policies", "units", "groups", "focal_point"}
        others = {"units": {"__all__": {"name"}}, "groups": {"__all__": {"name", "mailbox", "lead", "topics", "assignment"}}}
        return hashlib.sha256(self.model_dump_json(include=parts, exclude=others).encode()).hexdigest()

    def as_named(self, spec: UnitSpec | TopicSpec) -> Named:
        return Named(key=spec.key, name=spec.name)

    def as_group(self, spec: GroupSpec) -> Group:
        """The group as events carry it."""
        unit = self.unit(spec.unit)
        calendar = self.calendar(spec.calendar)
        return Group(
            key=spec.key,
            name=spec.name,
            unit=Named(key=spec.unit, name=unit.name if unit else spec.name),
            mailbox=spec.mailbox,
            timezone=calendar.timezone if calendar else self.timezone,
        )

    def as_person(self, spec: OfficerSpec) -> Person:
        return Person(key=spec.key, name=spec.name, email=spec.email, language=spec.language)

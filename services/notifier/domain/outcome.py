"""How one attempt to tell somebody ended, classified by what has to be done next."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next server on the way took it over; `response` is what it said, for the record."""

    response: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: try this delivery again by its schedule."""

    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """Refused for good: trying again can't help."""

    reason: str


@dataclass(frozen=True, slots=True)
class RelayTrouble:
    """The way itself is down or refuses us whoever the mail is for: pause them all and count no attempt against this one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The whole message was handed over and no answer came: it may have been accepted.

    The same bytes with the same id go out again by the schedule; a repeat that was delivered twice is recognised by its id (RFC 1047).
    """

    reason: str


Outcome = Accepted | Later | Never | RelayTrouble | Unknown

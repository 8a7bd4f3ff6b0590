"""Variables with our prefix that nothing reads: most likely a name mistyped, whose setting silently keeps its default."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from kit.crashpoints import VARIABLE as CRASH_AT
from kit.settings import variables
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.routing.settings import RoutingSettings

PREFIX: Final = "HELPDESK_"

SETTINGS: Final = variables(IntakeSettings) | variables(RoutingSettings) | variables(NotifierSettings)

READ_ELSEWHERE: Final = frozenset(
    {
        CRASH_AT,
        *("HELPDESK_CATCHER_FOLDER", "HELPDESK_CATCHER_SMTP_PORT", "HELPDESK_CATCHER_HTTP_PORT", "HELPDESK_CHAT_SECRET"),  # options
        *("HELPDESK_HEALTH_PORT", "HELPDESK_ORGANISATION"),  # the image and docker-compose.yml
        *("HELPDESK_NO_SKIPS", "HELPDESK_CHAOS_ROUNDS", "HELPDESK_TEST_EXAMPLES"),  # tests
    }
)


def unread(names: Iterable[str]) -> dict[str, str | None]:
    """Those of the names that are ours and that nothing reads, each with the nearest setting. Case is ignored, as where they are read."""
    wrong = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in SETTINGS | READ_ELSEWHERE)
    return {name: next(iter(get_close_matches(name.upper(), sorted(SETTINGS), n=1, cutoff=0.8)), None) for name in wrong}


def described(found: dict[str, str | None]) -> list[str]:
    """A sentence for each."""
    return [f"no setting is called {name}" + (f"; did you mean {near}?" if near else "") for name, near in found.items()]

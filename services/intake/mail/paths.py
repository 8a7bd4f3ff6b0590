"""The address of `MAIL FROM:` and `RCPT TO:`, however it is written: who refuses a mail for it loses the mail, not the mistake.

RFC 5321 section 4.1.2 allows quotes and source routes, RFC 6531 letters of every script, and programs write more than that.
"""

import re
from typing import Final

NULL: Final = "<>"
"""The null return path, as aiosmtpd has it."""

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ANGLE: Final = re.compile(rf'<((?:[^<>"\\]|\\.|{_QUOTED})*)>')
_BARE: Final = re.compile(rf'(?:[^\s<>"\\]|\\.|{_QUOTED})+')
_ROUTE: Final = re.compile(r"\A@[^:]*:")
_ATOMS: Final = re.compile(r"[^\s\"\\(),:;<>@\[\].]+(?:\.[^\s\"\\(),:;<>@\[\].]+)*")
_ESCAPED: Final = re.compile(r"\\(.)")


def path_of(argument: str) -> tuple[str, str]:
    """(address, parameters) of what stands after the colon. The address is empty only when there is nothing at all.

    One that follows no rule comes back as it stands. `"lan"@x.vn` is `lan@x.vn` (RFC 5321 section 4.1.2: the quotes are no part of it).
    """
    said = argument.strip()
    if said.startswith(NULL):
        return NULL, said.removeprefix(NULL).strip()
    path, rest = _split(said)
    return _plain(_ROUTE.sub("", path.strip(), count=1)) or said, rest.strip()


def _split(said: str) -> tuple[str, str]:
    if match := _ANGLE.match(said):
        return match[1], said[match.end() :]
    if said.startswith("<"):
        # Unbalanced quotes or brackets: up to the last bracket, or else to the first blank.
        end = said.rfind(">")
        head, _, tail = (said[:end], "", said[end + 1 :]) if end > 0 else said.partition(" ")
        return head.strip("<>"), tail
    match = _BARE.match(said)
    end = match.end() if match else len(said.split(maxsplit=1)[0]) if said else 0
    return said[:end], said[end:]


def _plain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        inner = _ESCAPED.sub(r"\1", local[1:-1])
        local = inner if _ATOMS.fullmatch(inner) else local
    return f"{local}{at}{domain}"

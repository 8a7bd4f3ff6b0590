"""How far the sender's address of a mail is proven, by what our own mail server wrote into it (RFC 8601)."""

from collections.abc import Collection, Sequence

from schemas.values import Trust
from services.intake.domain.authentication import Field, Result, read_field


def trust_of(fields: Sequence[str], authserv_ids: Collection[str], sender: str) -> Trust:
    """By the topmost field that carries an id of ours; what stands below it, or has another id, anybody may have written.

    `authserv_ids` in lower case. A DMARC verdict decides; without one, a signature or an SPF pass of the sender's own domain does.
    """
    domain = sender.rpartition("@")[2].lower()
    if not authserv_ids or not domain:
        return "none"
    for value in fields:
        field = read_field(value, authserv_ids)
        if field.authserv_id in authserv_ids:
            return _judged(field, domain)
    return "none"


def _judged(field: Field, domain: str) -> Trust:
    """A bad word counts even where the sender may have written some of it: nobody says that of themselves."""
    dmarc = [result for result in field.results if result.method == "dmarc"]
    if any(result.verdict == "fail" for result in dmarc):
        return "fail"
    if field.doubtful:
        return "none"
    if any(result.verdict == "pass" and result.properties.get("header.from") == domain for result in dmarc):
        return "pass"
    return "pass" if any(_stands_for(result, domain) for result in field.results) else "none"


def _stands_for(result: Result, domain: str) -> bool:
    """The domain itself or one above it; which siblings belong together only the Public Suffix List knows, and it is not asked."""
    by = {"dkim": _signer, "spf": _return_path}.get(result.method, _nobody)(result)
    return result.verdict == "pass" and "." in by and _within(domain, by)


def _signer(result: Result) -> str:
    """The domain that signed; in whose name (`header.i`, which some servers write alone) must lie within it (RFC 6376 section 3.5)."""
    named = _domain(result, "header.i")
    signed = _domain(result, "header.d") or named
    return signed if not named or _within(named, signed) else ""


def _return_path(result: Result) -> str:
    return _domain(result, "smtp.mailfrom")


def _nobody(_result: Result) -> str:
    return ""


def _domain(result: Result, name: str) -> str:
    return result.properties.get(name, "").rpartition("@")[2]


def _within(domain: str, by: str) -> bool:
    return domain == by or domain.endswith(f".{by}")

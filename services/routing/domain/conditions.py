"""What the organisation's rules ask of a request, and what of it was met, in words."""

from dataclasses import dataclass
from typing import Final

from schemas.organisation import Conditions, Organisation
from schemas.requests import RequestReceived
from schemas.values import LocalText
from services.routing.domain import sentences
from services.routing.domain.sentences import fill
from services.routing.domain.words import folded, mentions

LANGUAGES: Final = {"vi": LocalText(vi="tiếng Việt", en="Vietnamese"), "en": LocalText(vi="tiếng Anh", en="English")}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as rules look at it: `above` is the unit it names and those above it, `text` its words folded."""

    request: RequestReceived
    org: Organisation
    member_tier: str | None
    above: tuple[str, ...]
    text: str


def asked(request: RequestReceived, org: Organisation, member_tier: str | None = None) -> Asked:
    """Made once for all rules; the words are folded only where a rule looks for some."""
    wordy = any(rule.words for rule in (*org.rules, *org.priority_rules))
    text = folded(f"{request.subject}\n{request.text}") if wordy else ""
    return Asked(request, org, member_tier, org.ancestors(request.unit) if request.unit else (), text)


def hold(rule: Conditions, of: Asked) -> bool:
    request = of.request
    return (
        (not rule.topics or request.topic in rule.topics)
        and (not rule.units or not set(of.above).isdisjoint(rule.units))
        and not (rule.without_unit and request.unit)
        and (not rule.channels or request.channel in rule.channels)
        and (not rule.languages or request.language in rule.languages)
        and (not rule.member_tiers or of.member_tier in rule.member_tiers)
        and (not rule.words or any(mentions(of.text, word) for word in rule.words))
    )


def why(rule: Conditions, of: Asked) -> LocalText:
    """The conditions of a rule that holds, in words; a unit is named as the rule names it."""
    met = _met(rule, of)
    return sentences.joined(met) if met else sentences.EVERYTHING


def _met(rule: Conditions, of: Asked) -> list[LocalText]:
    met: list[LocalText] = []
    if rule.topics:
        met.append(fill(sentences.TOPIC_IS, topic=topic_name(of.request.topic, of.org)))
    if rule.units:
        met.append(fill(sentences.UNIT_IS, unit=unit_name(next(key for key in of.above if key in rule.units), of.org)))
    if rule.without_unit:
        met.append(sentences.NO_UNIT)
    if rule.channels:
        met.append(fill(sentences.CHANNEL_IS, channel=of.request.channel))
    if rule.languages:
        met.append(fill(sentences.LANGUAGE_IS, language=LANGUAGES[of.request.language]))
    if rule.member_tiers:
        met.append(fill(sentences.TIER_IS, tier=of.member_tier or ""))
    if rule.words:
        met.append(fill(sentences.WORD_IS, word=next(word for word in rule.words if mentions(of.text, word))))
    return met


def topic_name(key: str | None, org: Organisation) -> str | LocalText:
    spec = org.topic(key) if key else None
    return spec.name if spec else key or ""


def unit_name(key: str | None, org: Organisation) -> str | LocalText:
    spec = org.unit(key) if key else None
    return spec.name if spec else key or ""

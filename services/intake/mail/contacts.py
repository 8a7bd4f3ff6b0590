"""Who is written back to: who wrote, or whom a machine that wrote names for that, as web forms do."""

from services.intake.domain import identity
from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.automatic import is_robot
from services.intake.mail.letter import Letter, Person


def contact_of(letter: Letter, sender: str, mailboxes: Mailboxes) -> Person:
    """The one other address in Reply-To, of a mail from an address that nobody reads; else the `sender`.

    Anybody can write anything there: it proves nothing, and what is known of the sender says nothing of it.
    """
    named = _named(letter, sender)
    if not is_robot(sender) or named is None or is_robot(named.address) or _is_ours(named.address, mailboxes):
        return Person(sender, letter.name)
    return named


def _is_ours(address: str, mailboxes: Mailboxes) -> bool:
    return mailboxes.find(address) is not None or mailboxes.is_staff(address)


def _named(letter: Letter, sender: str) -> Person | None:
    found = [Person(address, each.name) for each in letter.reply_to if (address := identity.sender_address(each.address))]
    others = [each for each in found if each.address.casefold() != sender.casefold()]
    return others[0] if len(others) == 1 and len(letter.reply_to) == len(found) else None

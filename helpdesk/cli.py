"""The command people type."""

import typer

from helpdesk.administration import init, load, settings, tokens
from helpdesk.calendar import calendars
from helpdesk.catcher.command import catcher
from helpdesk.checking.command import check
from helpdesk.deadletters.command import dlq
from helpdesk.deadline import deadline
from helpdesk.demo.command import demo
from helpdesk.embedded.commands import kafka, mongo
from helpdesk.explain import explain
from helpdesk.mail.command import mail
from helpdesk.mail.kept import kept, open_
from helpdesk.mail.parked import parked, retry, show
from helpdesk.rollups import rollups
from helpdesk.running import run
from helpdesk.starting.up import up

app = typer.Typer(
    name="helpdesk",
    help="An event-driven helpdesk for businesses in difficulty.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (up, run, init, load, settings, check, explain, deadline, kafka, mongo, catcher):
    app.command()(command)
for of_mail in (parked, show, retry, kept):
    mail.command()(of_mail)
mail.command(name="open")(open_)
app.add_typer(tokens, name="token")
app.add_typer(dlq, name="dlq")
app.add_typer(calendars, name="calendar")
app.add_typer(demo, name="demo")
app.add_typer(mail, name="mail")
app.add_typer(rollups, name="rollups")

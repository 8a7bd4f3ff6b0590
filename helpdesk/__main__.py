"""`python -m helpdesk` is `helpdesk`."""

from helpdesk.cli import app

app()

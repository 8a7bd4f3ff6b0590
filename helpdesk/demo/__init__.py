"""The demo organisation that `helpdesk up --demo` loads."""

from pathlib import Path

ORGANISATION = Path(__file__).with_name("organisation.yaml")

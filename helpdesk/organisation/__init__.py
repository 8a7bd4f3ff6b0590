"""The organisation file: read, checked as a whole, and every problem told with its line."""

from helpdesk.organisation.advice import summary, warnings
from helpdesk.organisation.problems import OrganisationErrors, Problem
from helpdesk.organisation.reading import read

__all__ = ["OrganisationErrors", "Problem", "read", "summary", "warnings"]

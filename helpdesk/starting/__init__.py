"""`helpdesk up`: everything on one machine."""

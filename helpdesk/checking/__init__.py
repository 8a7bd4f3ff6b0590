"""`helpdesk check`: what must hold of an installation, looked at from outside all services."""

"""`helpdesk dlq`: dead letters looked at, tried again, or put aside for good."""

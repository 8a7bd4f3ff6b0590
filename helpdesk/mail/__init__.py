"""`helpdesk mail`: what came in by mail, for whoever runs the helpdesk."""

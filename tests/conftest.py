"""Fixtures every test may ask for; nothing starts before one is asked."""

pytest_plugins = ["tests.support.servers"]

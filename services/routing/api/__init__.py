"""The officers' JSON API."""

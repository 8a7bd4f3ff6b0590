"""A mail server that delivers nothing: it keeps every mail on disk and shows it on a web page."""

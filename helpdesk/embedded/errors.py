"""What can keep an embedded server from starting; every message ends in what to do about it."""


class EmbeddedError(RuntimeError):
    """An embedded server cannot be had here; the text is meant for the person who typed the command."""


class MissingPartError(EmbeddedError):
    """A program or package the embedded servers need is not on this machine."""


class TamperedJarError(EmbeddedError):
    """A jar is not the one this version of the helpdesk was tested with."""


class PortTakenError(EmbeddedError):
    """Another program listens on the port, or it was given twice."""


class DataInUseError(EmbeddedError):
    """Another process runs a server on the same data folder."""


class UnusableFolderError(EmbeddedError):
    """The data folder is none, or nothing can be written there."""


class ServerDiedError(EmbeddedError):
    """The server ended by itself, or was not ready in time; its last log lines are in the text."""

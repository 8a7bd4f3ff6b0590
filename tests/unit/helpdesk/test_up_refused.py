"""What `helpdesk up` refuses before anything is started, or made: one sentence that names the option, exit code 1."""

import socket
from pathlib import Path

import pytest

from tests.support.command_line import helpdesk
from tests.support.ports import free_ports


@pytest.mark.parametrize("command", ["up", "kafka", "mongo"])
@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("file", "is a file"),
        ("file/below", "cannot be written: Not a directory"),
        ("/proc/nothing-is-made-here", "cannot be written: No such file or directory"),
    ],
)
def test_a_folder_that_is_none_is_named_with_the_option_and_what_is_wrong_with_it(
    tmp_path: Path, command: str, data: str, what: str
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / data  # an absolute one stays itself
    said = helpdesk(command, "--data", str(folder))
    assert (said.code, said.err) == (1, f"--data {folder} {what}; choose another folder with --data\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--intake-port A --routing-port A", "port A is asked for by --intake-port and --routing-port; give each its own"),
        ("--base-port A --mail-port B", "port B is asked for by --routing-port and --mail-port; give each its own"),
        (
            "--base-port A --kafka-port A --mongo-port A",
            "port A is asked for by --intake-port and --kafka-port and --mongo-port; give each its own",
        ),
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_a_port_that_two_options_ask_for_is_refused_with_both(tmp_path: Path, options: str, says: str, there: bool) -> None:
    data = tmp_path / "new"
    if there:
        data.mkdir()
    ports = {"A": "9500", "B": "9501"}
    words = [ports.get(word, word) for word in options.split()]
    said = helpdesk("up", "--data", str(data), *words)
    for letter, port in ports.items():
        says = says.replace(f"port {letter}", f"port {port}")
    assert (said.code, said.err) == (1, says + "\n")


def test_of_ports_nobody_listens_on_here_two_may_be_the_same(tmp_path: Path) -> None:
    """Kafka and MongoDB are elsewhere, mail goes to a real server: only the port that is taken keeps it from starting."""
    elsewhere = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example", "MONGODB_URI": "mongodb://db.example", "HELPDESK_SMTP_URL": "smtp://m.example"}
    names = ["intake", "routing", "notifier", "mail"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        ports = dict(zip(names, [taken, *free_ports(3)], strict=True)) | dict.fromkeys(["catcher", "catcher-smtp", "kafka", "mongo"], taken)
        options = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
        said = helpdesk("up", "--data", str(tmp_path / "new"), *options, variables=elsewhere)
    assert said.code == 1
    assert said.err.startswith(f"port {taken} is taken")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("data", ["new", "new/deeper"])
def test_nothing_is_made_for_a_start_that_is_refused(tmp_path: Path, data: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = helpdesk("up", "--data", str(tmp_path / data), "--intake-port", str(taken.getsockname()[1]))
    assert said.code == 1
    assert not (tmp_path / "new").exists()


def test_what_a_port_is_when_none_is_given_is_shown_plainly() -> None:
    said = helpdesk("up", "--help")
    assert "[default: 8000]" in said.out
    assert "(8000)" not in said.out

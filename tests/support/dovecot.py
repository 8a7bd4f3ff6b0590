"""A real IMAP server (Dovecot) of a test's own: its configuration, mail and sockets in one folder, on a free port of loopback."""

import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_ports
from tests.support.programs import program

PASSWORD = "a pass,word/with@signs"
CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
disable_plaintext_auth = no
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
mail_location = maildir:{home}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
mailbox_list_index = no
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = home={home}/mail/%u
}}
protocol imap {{
  imap_capability = {capability}
}}
"""


class Dovecot:
    """`start`, `stop` and `start` again on the same port; `append` is how mail gets into a folder."""

    def __init__(self, home: Path, *, idle: bool = True) -> None:
        self.home = home
        self.port = free_ports(1)[0]
        self.user = "helpdesk"
        self._program = program("dovecot", "dovecot-imapd")
        self._idle = idle
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid())
        owner = pwd.getpwnam("nobody") if root else me
        internal = pwd.getpwnam("dovecot") if root else me
        (self.home / "mail").mkdir(exist_ok=True)
        if root:
            shutil.chown(self.home / "mail", owner.pw_uid, owner.pw_gid)
        self.home.chmod(0o755)
        self.write_password(PASSWORD)
        configuration = CONFIGURATION.format(
            home=self.home,
            port=self.port,
            ssl="no",
            internal=internal.pw_name,
            login="dovenull" if root else me.pw_name,
            group=_group(internal.pw_gid),
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            capability="+" if self._idle else "IMAP4rev1 LITERAL+ UIDPLUS",
        )
        (self.home / "dovecot.conf").write_text(configuration)
        with (self.home / "out").open("ab") as out:
            command = [self._program, "-F", "-c", str(self.home / "dovecot.conf")]
            self._process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)

    def write_password(self, password: str) -> None:
        """What a login needs from now on."""
        (self.home / "users").write_text(f"{self.user}:{{PLAIN}}{password}\n")
        (self.home / "users").chmod(0o644)

    def stop(self) -> None:
        """As if its plug was pulled: asked politely it would wait for its clients."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=20) as client:
            client.login(self.user, PASSWORD)
            yield client

    def append(self, *mails: bytes, folder: str = "INBOX", flags: str = "") -> None:
        with self.session() as client:
            for mail in mails:
                status, said = client.append(folder, flags, "", mail)
                assert status == "OK", said

    def flags(self, folder: str = "INBOX") -> list[bytes]:
        """Of each mail."""
        with self.session() as client:
            client.select(folder, readonly=True)
            return [line for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)]

    def log(self) -> str:
        return "".join(path.read_text() for path in (self.home / "out", self.home / "log") if path.exists())


@contextmanager
def running_dovecot(*, idle: bool = True) -> Iterator[Dovecot]:
    """Its folder is made in a short place: the paths of its sockets may have a hundred characters."""
    home = Path(tempfile.mkdtemp(prefix="dovecot"))
    server = Dovecot(home, idle=idle)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _group(gid: int) -> str:

    return grp.getgrgid(gid).gr_name

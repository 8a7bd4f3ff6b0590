"""Programs of the operating system that tests run as their own processes, and what to do when they are not there."""

import os
import shutil

import pytest

SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/dovecot"


def program(name: str, package: str) -> str:
    """Its path. Without it the test is skipped, and where nothing may be skipped it fails, both naming the Debian package."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM}")
    if found is None:
        sentence = f"{name} is not installed: apt-get install --no-install-recommends {package}"
        if os.environ.get("HELPDESK_NO_SKIPS") == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found

"""`helpdesk mail parse`: one JSON object for each file, whatever is in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.mail_samples import OURS, collected

KEYS = [
    *("message_id", "from", "to", "cc", "subject", "date", "text", "full_text", "attachments"),
    *("in_reply_to", "references", "automatic", "bounce", "problems"),
]
SAMPLES = {path.stem: path for path in OURS}


def parse(*files: Path | str, given: bytes = b"") -> tuple[int, list[dict[str, object]], str]:
    command = [sys.executable, "-m", "helpdesk", "mail", "parse", *map(str, files)]
    ended = subprocess.run(command, input=given, capture_output=True, check=False, timeout=120, env={**os.environ, "PYTHONUTF8": "1"})
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr.decode()


def test_an_answer_is_printed_with_its_new_text_and_what_it_answers() -> None:
    code, (found,), err = parse(SAMPLES["gmail_web_vi"])
    assert (code, list(found), err) == (0, KEYS, "")
    assert {name: found[name] for name in KEYS if name not in {"text", "full_text"}} == {
        "message_id": "<reply-1@anbinh.example>",
        "from": {"name": "Trần Văn Minh", "address": "minh@anbinh.example"},
        "to": [{"name": "", "address": "hotro@haiphong.customs.example"}],
        "cc": [],
        "subject": "Re: [HD-7K2-M4P-9QX] Tờ khai bị từ chối",
        "date": "2025-11-20T10:05:00+07:00",
        "attachments": [],
        "in_reply_to": "<hd-1@haiphong.customs.example>",
        "references": ["<hd-0@haiphong.customs.example>", "<hd-1@haiphong.customs.example>"],
        "automatic": None,
        "bounce": None,
        "problems": [],
    }
    assert str(found["full_text"]).startswith(str(found["text"]))
    assert "đã viết:" in str(found["full_text"])
    assert "đã viết:" not in str(found["text"])


def test_a_bounce_names_its_recipients() -> None:
    _, (found,), _ = parse(SAMPLES["bounce_unknown_user"])
    assert found["bounce"] == {
        "recipients": [
            {
                "address": "minh@anbinh.example",
                "status": "5.1.1",
                "hard": True,
                "diagnostic": "550 5.1.1 <minh@anbinh.example>: User unknown",
            }
        ],
        "original_message_id": "<hd-1@haiphong.customs.example>",
    }


def test_attachments_have_their_type_and_size(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==\n")
    assert parse(mail)[1][0]["attachments"] == [{"filename": "a.pdf", "content_type": "application/pdf", "size": 4}]


def test_any_bytes_are_answered_in_order_with_one_line_each(tmp_path: Path) -> None:
    odd = {"empty": b"", "random": os.urandom(3000), "nul": b"\x00" * 100, "parentheses": b"To: " + b"(" * 100_000}
    for name, content in odd.items():
        (tmp_path / name).write_bytes(content)
    files = [*(tmp_path / name for name in odd), *collected("malformed"), SAMPLES["gmail_en"]]
    code, found, err = parse(*files)
    assert (code, len(found), err) == (0, len(files), "")
    assert all(list(each) == KEYS for each in found)
    assert found[-1]["text"] == "Thank you, it is cleared."


def test_a_dash_is_standard_input() -> None:
    code, (found,), _ = parse("-", given=b"Subject: a\n\nb\n")
    assert (code, found["subject"], found["text"]) == (0, "a", "b")


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    code, found, err = parse(tmp_path / "absent.eml", tmp_path, SAMPLES["gmail_en"])
    assert (code, len(found)) == (1, 1)
    assert err.splitlines() == [
        f"helpdesk mail parse: {tmp_path / 'absent.eml'}: No such file or directory",
        f"helpdesk mail parse: {tmp_path}: Is a directory",
    ]

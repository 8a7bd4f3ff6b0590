"""HTTP basics: every refusal is problem JSON that says what to do, and bodies have a limit."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Form, Request
from pydantic import BaseModel, Field
from pymongo.errors import AutoReconnect, OperationFailure
from structlog.testing import capture_logs

from kit import trace
from kit.documentation import add_pointer
from kit.errors import FieldError, PermanentError, RefusedError, TransientError
from kit.problems import PROBLEM
from kit.web import WebServer, add_health, listening_socket, web_app

LIMIT = 2_000_000
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


class Contact(BaseModel):
    email: str = Field(min_length=3)


class Sent(BaseModel):
    text: str
    contact: Contact


ERRORS: dict[str, Exception] = {
    "refused": RefusedError(
        "Give a reference.", status=409, title="Which one?", errors=[FieldError("reference", "It is missing.")], extra={"seen": 2}
    ),
    "away": TransientError("MongoDB: primary gone"),
    "timeout": TimeoutError(),
    "driver-away": AutoReconnect("connection closed"),
    "driver-bug": OperationFailure("bad query", 2),
    "permanent": PermanentError("cannot use it"),
    "bug": ZeroDivisionError("password=hunter2"),
}


def build() -> FastAPI:
    app = web_app("Test", description="", version="1", logger=structlog.get_logger(), max_body=LIMIT)

    @app.post("/sent")
    async def sent(body: Sent) -> dict[str, Any]:
        return {"text": body.text, "trace": trace.current.get()}

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.post("/form")
    async def form(words: Annotated[str, Form()]) -> int:
        return len(words)

    @app.get("/fails/{kind}")
    async def fails(kind: str) -> None:
        raise ERRORS[kind]

    return app


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build(), raise_app_exceptions=False), base_url="http://test", headers=ENGLISH
    ) as client:
        yield client


@pytest.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """Over a socket: bodies arrive in pieces."""
    probe = listening_socket("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    server = WebServer(build(), "127.0.0.1", port)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=ENGLISH) as client:
        yield client
    await server.stop()


def the_problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return body


async def test_what_the_caller_can_mend_is_said_with_the_field(http: httpx.AsyncClient) -> None:
    answer = await http.get("/fails/refused")
    assert the_problem(answer) == {
        "type": "about:blank",
        "title": "Which one?",
        "status": 409,
        "detail": "Give a reference.",
        "errors": [{"field": "reference", "message": "It is missing."}],
        "seen": 2,
    }


@pytest.mark.parametrize("kind", ["away", "timeout", "driver-away"])
async def test_passing_trouble_asks_to_come_again(http: httpx.AsyncClient, kind: str) -> None:
    answer = await http.get(f"/fails/{kind}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "Send it again" in the_problem(answer)["detail"]


async def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_no_fault_of_ours() -> None:
    scope = {"type": "http", "method": "POST", "path": "/raw", "headers": [(b"content-length", b"5000")], "query_string": b""}
    said = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(said)

    async def send(message: Any) -> None:
        sent.append(message)

    with capture_logs() as logs:
        await build()(scope, receive, send)
    assert sent[0]["status"] == 400
    assert logs == []


@pytest.mark.parametrize("kind", ["driver-bug", "permanent", "bug"])
async def test_our_own_faults_are_logged_and_tell_the_caller_nothing_about_us(http: httpx.AsyncClient, kind: str) -> None:
    with capture_logs() as logs:
        answer = await http.get(f"/fails/{kind}")
    assert answer.status_code == 500
    assert str(ERRORS[kind]) not in answer.text
    the_problem(answer)
    assert [(log["event"], log["path"]) for log in logs] == [("web.failed", f"/fails/{kind}")]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b'{"text": "x", "contact": {"email": "a"}}', "contact.email", "At least 3 characters."),
        (b'{"contact": {"email": "abc"}}', "text", "This is required."),
    ],
)
async def test_an_invalid_body_is_refused_with_each_field_and_a_sentence(
    http: httpx.AsyncClient, body: bytes, field: str, message: str
) -> None:
    answer = await http.post("/sent", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert the_problem(answer)["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", "line 1, column 2"),
        (b'{"text": ', "line 1, column 10"),
        (b'{\r\n"text": "a"\r\n]', "line 3, column 1"),
        (b"[1,\n\n", "line 3, column 1"),
    ],
)
async def test_json_that_breaks_off_is_refused_with_the_place(http: httpx.AsyncClient, body: bytes, where: str) -> None:
    answer = await http.post("/sent", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, the_problem(answer)["title"]) == (400, "Not valid JSON")
    assert answer.json()["errors"] == [{"field": "body", "message": f"Correct the JSON syntax at {where} and send it again."}]


async def test_a_body_that_names_no_type_is_read_as_json(http: httpx.AsyncClient) -> None:
    answer = await http.post("/sent", content=b'{"contact": {"email": "abc"}}')
    assert the_problem(answer)["errors"] == [{"field": "text", "message": "This is required."}]


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000], ids=["no UTF-8", "nested too deeply"])
async def test_a_body_that_cannot_be_read_is_refused_with_the_remedy_in_both_languages(http: httpx.AsyncClient, body: bytes) -> None:
    for language, words in (("en", "in UTF-8 and not nested too deeply"), ("vi", "bằng UTF-8 và không lồng quá sâu")):
        headers = {"content-type": "application/json", "accept-language": language}
        answer = await http.post("/sent", content=body, headers=headers)
        assert answer.status_code == 400
        assert words in the_problem(answer)["detail"]
        assert answer.json()["errors"] == [{"field": "body", "message": answer.json()["detail"]}]
        assert answer.json()["title"] != answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nowhere", 404, "Không tìm thấy"),
        ("DELETE", "/sent", 405, "Sai phương thức"),
        ("GET", "/fails/away", 503, "Tạm ngừng trong giây lát"),
        ("GET", "/fails/bug", 500, "Hệ thống gặp lỗi"),
    ],
)
async def test_who_asks_for_no_language_or_for_vietnamese_reads_vietnamese(
    http: httpx.AsyncClient, method: str, path: str, status: int, title: str
) -> None:
    for asked in ("", "vi", "fr, vi;q=0.9, en;q=0.1"):
        answer = await http.request(method, path, headers={"accept-language": asked})
        assert (answer.status_code, the_problem(answer)["title"]) == (status, title)


async def test_a_method_that_is_not_taken_is_told_which_are(http: httpx.AsyncClient) -> None:
    assert (await http.delete("/sent")).headers["allow"] == "POST"


async def test_an_address_with_a_slash_too_many_is_not_found_and_sends_nobody_elsewhere(http: httpx.AsyncClient) -> None:
    answer = await http.post("/sent/", headers={"host": "evil.example"})
    assert (answer.status_code, "evil" in str(answer.headers) + answer.text) == (404, False)


async def test_the_documentation_is_served_from_here_alone(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'; script-src 'self';" in page.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"docs/swagger-ui-bundle.js", "docs/swagger-ui.css", "docs/start.js", "openapi.json"} <= set(addresses)
    for address in addresses:
        assert "//" not in address
        assert (await http.get(f"/{address}")).status_code == 200


async def test_a_service_without_a_page_points_to_its_documentation() -> None:
    app = build()
    add_pointer(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert (await http.get("/")).json()["documentation"] == "/docs"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/sent", 405)])
async def test_a_wrong_address_or_method_points_to_the_documentation(http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert "/docs" in the_problem(answer)["detail"]


@pytest.mark.parametrize("path", ["/sent", "/raw", "/form"])
async def test_a_body_declared_too_large_is_refused_before_it_is_read(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.post(path, content=b"", headers={"content-length": str(LIMIT + 1)})
    assert answer.status_code == 413
    assert "at most 2 MB" in the_problem(answer)["detail"]


@pytest.mark.parametrize(
    ("path", "kind"), [("/sent", "application/json"), ("/raw", "text/plain"), ("/form", "application/x-www-form-urlencoded")]
)
async def test_a_body_that_grows_too_large_while_it_arrives_is_refused(served: httpx.AsyncClient, path: str, kind: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"words=" + b"w" * 99_993 + b"&"

    answer = await served.post(path, content=chunks(), headers={"content-type": kind})
    assert answer.status_code == 413
    assert "at most 2 MB" in the_problem(answer)["detail"]


async def test_a_body_of_exactly_the_limit_is_taken(served: httpx.AsyncClient) -> None:
    assert (await served.post("/raw", content=b"x" * LIMIT)).json() == LIMIT


async def test_the_callers_trace_is_there_while_the_request_is_served_and_each_has_its_own(served: httpx.AsyncClient) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"text": "x", "contact": {"email": "abc"}}
    assert (await served.post("/sent", json=body, headers={"traceparent": given})).json()["trace"] == given
    first, second = [(await served.post("/sent", json=body)).json()["trace"] for _ in range(2)]
    assert given != first != second


def with_health(stuck: list[str], missing: list[str]) -> httpx.AsyncClient:
    app = build()

    async def asked() -> list[str]:
        return missing

    add_health(app, alive=lambda: stuck, missing=asked)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_health_says_well_when_it_is() -> None:
    async with with_health([], []) as http:
        assert (await http.get("/livez")).json() == {"status": "alive"}
        assert (await http.get("/readyz")).json() == {"status": "ready"}
        assert "python_info" in (await http.get("/metrics")).text


async def test_health_names_what_is_stuck_and_what_is_missing() -> None:
    async with with_health(["loop relay"], ["MongoDB does not answer"]) as http:
        live, ready = await http.get("/livez"), await http.get("/readyz")
    assert (live.status_code, the_problem(live)["stuck"]) == (503, ["loop relay"])
    assert (ready.status_code, the_problem(ready)["missing"]) == (503, ["MongoDB does not answer"])


async def test_what_is_written_is_sent_at_once_and_never_waits_for_the_client_to_acknowledge_what_came_before() -> None:
    sent_at_once: asyncio.Queue[bool] = asyncio.Queue()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        sent_at_once.put_nowait(bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    listener = listening_socket("127.0.0.1", 0)
    async with await asyncio.start_server(answer, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await sent_at_once.get()
        writer.close()


async def test_a_taken_port_is_named() -> None:
    holder = listening_socket("127.0.0.1", 0)
    holder.listen()
    port = holder.getsockname()[1]
    with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 is taken"):
        await WebServer(build(), "127.0.0.1", port).start()
    holder.close()


async def test_whatever_can_be_asked_for_can_be_asked_for_without_its_body(http: httpx.AsyncClient) -> None:
    whole, head = await http.get("/fails/refused"), await http.head("/fails/refused")
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert {name: head.headers[name] for name in ("content-type", "content-length")} == {
        name: whole.headers[name] for name in ("content-type", "content-length")
    }
    assert (await http.head("/sent")).status_code == 405


async def test_stopping_ends_the_requests_under_way() -> None:
    app, entered = build(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        entered.set()
        await asyncio.sleep(0.2)
        return "done"

    probe = listening_socket("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    server = WebServer(app, "127.0.0.1", port)
    await server.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
        await entered.wait()
        await server.stop()
        assert (await asking).json() == "done"

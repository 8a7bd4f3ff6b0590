"""Load: requests posted over raw keep-alive connections, by as many clients as wanted or at a steady rate."""

import asyncio
import json
import time
from dataclasses import dataclass, field

ADDRESS = "asker{number}@bench.example"


@dataclass
class Record:
    """When each request was posted, answered, and acknowledged by mail, in seconds of the monotonic clock."""

    posted: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    told: dict[int, asyncio.Event] = field(default_factory=dict)
    """Of the requests whose clients wait for the mail."""

    def noted(self, recipient: str, at: float) -> None:
        local, _, domain = recipient.partition("@")
        if domain == "bench.example":
            number = int(local.removeprefix("asker"))
            self.acknowledged.setdefault(number, at)
            if number in self.told:
                self.told.pop(number).set()


def body(number: int) -> bytes:
    return json.dumps(
        {
            "topic": "customs-valuation",
            "unit": "quang-ninh",
            "subject": "Lô hàng bị giữ tại cảng",
            "text": "Lô hàng của chúng tôi bị giữ tại cảng vì trị giá tính thuế. " * 5,
            "language": "vi",
            "business": {"name": "Công ty TNHH Thử Nghiệm", "tax_code": "0101234567"},
            "contact": {"name": "Nguyễn Văn An", "email": ADDRESS.format(number=number)},
        },
        ensure_ascii=False,
    ).encode()


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, record: Record) -> None:
        self._port = port
        self._record = record
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, number: int) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        content = body(number)
        self._record.posted[number] = time.monotonic()
        head = f"POST /api/v1/requests HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        if answer.startswith(b"HTTP/1.1 202"):
            self._record.answered[number] = time.monotonic()
        else:
            self._record.refused += 1

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def flood(port: int, record: Record, *, clients: int, seconds: float, until_told: bool = False) -> None:
    """Each client posts its next request as soon as the last is answered; `until_told`: as soon as it is acknowledged by mail."""
    until = time.monotonic() + seconds
    numbers = iter(range(10**9))

    async def run() -> None:
        client = Client(port, record)
        while time.monotonic() < until:
            number = next(numbers)
            told = record.told.setdefault(number, asyncio.Event()) if until_told else None
            await client.post(number)
            if told is not None and number in record.answered:
                await told.wait()
        client.close()

    await asyncio.gather(*(run() for _ in range(clients)))


async def steady(port: int, record: Record, *, rate: float, seconds: float, first: int = 0) -> None:
    """Requests at fixed instants, whether or not the ones before are answered. `first`: the number of the first one."""
    free: list[Client] = []
    tasks = []

    async def one(number: int) -> None:
        client = free.pop() if free else Client(port, record)
        await client.post(number)
        free.append(client)

    began = time.monotonic()
    for place in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
        tasks.append(asyncio.create_task(one(first + place)))
    await asyncio.gather(*tasks)
    for client in free:
        client.close()

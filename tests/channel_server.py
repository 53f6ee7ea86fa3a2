"""A provider on this machine that answers as badly as one can, and settings that lead to it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from bot.settings import Settings, load

FIXTURES = Path(__file__).parent / "fixtures"
ACCOUNT = "AC" + "0f" * 16


@dataclass
class Call:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=True)

    @property
    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class Provider:
    """Answers every request with *answer*: bytes as they are, or None for none at all."""

    answer: bytes | None = None
    reset: bool = False
    hang: bool = False
    drip: bool = False
    calls: list[Call] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        pairs = (one.split(": ", 1) for one in lines)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.calls.append(Call(line, headers, body))
        await self.end(writer)

    async def end(self, writer: asyncio.StreamWriter) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if self.drip:
            writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while self.drip:
            writer.write(b"x")
            await asyncio.sleep(0.02)
        if self.reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif self.answer is not None:
            writer.write(self.answer)
            await writer.drain()


class WithoutTls(Provider):
    """Meets a TLS greeting with plain text, or with nothing."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        await self.end(writer)


def http(status: int, body: str | bytes, *headers: str, kind: str = "application/json") -> bytes:
    """Return a whole HTTP answer."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status} Said",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def brief(value: object) -> str | None:
    """Name an answer in a list of tests by how it begins."""
    return value[:12].decode("latin-1") if isinstance(value, bytes) else None


@asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Provider]:
    """Run *provider* on a free port of this machine for as long as it is used."""
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            await provider.serve(reader, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


def make_settings(provider_url: str = "https://api.twilio.com", **others: object) -> Settings:
    """Return settings of which every provider is at *provider_url*."""
    content = provider_url.replace("api.twilio.com", "content.twilio.com")
    return load(
        None,
        **{
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": ("new-token", "old-token"),
            "twilio_api_url": provider_url,
            "twilio_content_url": content,
            "twilio_sms_from": "+3197000000000",
            "twilio_whatsapp_from": "+3197000000001",
            "telegram_bot_token": "1000:fictional-token",
            "telegram_webhook_secret": "s" * 32,
            "telegram_api_url": provider_url,
            **others,
        },
    )

"""The web server of `stap run`: waitress, in a thread of this process."""

from __future__ import annotations

import threading
import time
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer, create_server
from waitress.task import WSGITask

THREADS = 16
LARGEST_REQUEST = 12 * 1024 * 1024
"""Bytes. A file that staff bring is at most 10 MB; anything larger is refused at its header."""

MOST_CONNECTIONS = 1000
"""Open at the same time. A slow one holds no thread, only a place among these."""

PATIENCE = 30
"""Seconds after which a connection that says nothing is cut, and one that hardly does."""

SLOWEST = 10_000
"""Bytes a second that a request must bring beyond those seconds: a file over a poor line does."""


class _Request(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Tells its length once. A proxy before us may believe the other length that is told here,
    and take what we hold for a second request for the end of the first.
    """

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        chunked = self.chunked or "TRANSFER_ENCODING" in self.headers
        if chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding")


class _Answer(WSGITask):  # type: ignore[misc]  # waitress ships no types
    """Keeps the connection after an answer without a body: it ends with its headers (RFC 9112,
    section 6.3). Most of our answers are a 204, and a proxy would have to connect for each.
    """

    def set_close_on_finish(self) -> None:
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or self.version != "1.1" or asked:
            super().set_close_on_finish()


class _Connection(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """Is not watched by the loop while a thread sends its answer: that thread does so alone, and
    wakes the loop if something is left. The connection takes more all that time, so the loop would
    look again and again, and keep the interpreter from the very thread that it waits for.
    """

    parser_class = _Request
    task_class = _Answer
    _sends = False

    def writable(self) -> bool:
        return not self._sends and bool(super().writable())

    def _flush_some(self, do_close: bool = True) -> bool:
        self._sends = True
        try:
            return bool(super()._flush_some(do_close))
        finally:
            self._sends = False


class WebServer:
    """Serves one application until closed. Port 0 takes a free one."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host=host,
            port=port,
            threads=THREADS,
            channel_timeout=PATIENCE,
            # /metrics is only for this machine: it must see that a proxy handed a request on.
            clear_untrusted_proxy_headers=False,
            connection_limit=MOST_CONNECTIONS,
            max_request_body_size=LARGEST_REQUEST,
            ident=None,
        )
        # A name may stand for several addresses: then there is a listener for each.
        self._listeners = [one for one in self._sockets.values() if isinstance(one, TcpWSGIServer)]
        for listener in self._listeners:
            listener.channel_class = _Connection
        self.port: int = self._listeners[0].effective_port
        self._closed = threading.Event()
        self._coming: dict[Any, float] = {}
        self._looked = 0.0
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving; requests under way are answered first."""
        self._closed.set()
        self._listeners[0].pull_trigger()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._server.asyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)
            self._cut_slow(time.monotonic())
        self._server.task_dispatcher.shutdown()
        for connection in list(self._sockets.values()):
            connection.close()

    def _cut_slow(self, now: float) -> None:
        """Close connections whose request trickles in; the server itself only cuts silent ones."""
        if now - self._looked < 1:
            return
        coming: dict[Any, float] = {}
        for connection in list(self._sockets.values()):
            if not isinstance(connection, _Connection):
                continue
            request = connection.request
            if request is None:
                continue
            since = coming[request] = self._coming.get(request, now)
            brought = request.header_bytes_received + request.body_bytes_received
            if now - since > PATIENCE + brought / SLOWEST:
                connection.will_close = True
        self._coming, self._looked = coming, now

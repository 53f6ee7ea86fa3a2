"""Twilio's own client, made safe to send with: real timeouts, no retries, no personal data in logs.

Loaded by whoever sends; a process that only listens does without.

Every failed call ends as one of three: it was not sent, it was refused, or nobody knows.
Nobody knows more than it looks: a lost connection, a 5xx and an answer that cannot be read may
all have been taken by Twilio, which has no key that would make a repeat harmless.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

from bot.channels.base import (
    FILE_LIMIT,
    LEFT,
    Cause,
    Certainty,
    File,
    Media,
    NotFetched,
    SendError,
    storable,
)
from bot.channels.twilio import CAUSES, Listed, kind_of
from bot.settings import TWILIO_API_URL, TWILIO_CONTENT_URL, Settings

TIMEOUT = 3.5
"""Seconds for a whole call that sends, however it drips in. Until then nobody knows."""

PATIENCE = 10.0
"""Seconds for a whole call that sends nothing."""

_CONNECT_TIMEOUT = 2.0
"""Seconds of those to be connected. Less than the whole, so that it can be told apart."""

_CONNECTIONS = 100

_KEEP_IDLE = 5.0
"""Seconds to keep an unused connection: a server that closed it first makes an *unknown*."""

_PAUSE = 5.0
"""Seconds to leave a sender alone that was too fast, if Twilio does not say."""

_PAUSE_AFTER_REFUSED_KEY = 60.0

PAGE = 200
"""Messages asked for at once when the list is read; Twilio gives 1,000 at most."""

PAGES = 20
"""Most pages that are read of one list."""

_MEDIA_TYPES = ("audio/", "image/")
_MEDIA_HOSTS = (".twiliocdn.com", "s3-external-1.amazonaws.com")
"""Where Twilio's API sends on to for the file itself."""
_MEDIA_HOPS = 3
_MOST_MEDIA = 10

_NUMBER = re.compile(r"\d{5,}")
_LONGEST_DETAIL = 200


class Refused(TwilioException):  # type: ignore[misc]  # twilio ships no types
    """Twilio answered with something else than success."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        """Keep the answer; `code` is Twilio's own as text, or ``""``."""
        self.status, self.headers = status, headers
        try:
            told = json.loads(text)
        except ValueError:
            told = {}
        if not isinstance(told, dict):
            told = {}
        self.code = str(told.get("code") or "")
        # Twilio repeats the recipient's number in its explanation.
        said = str(told.get("message") or told.get("detail") or "")
        self.detail = _NUMBER.sub("…", said)[:_LONGEST_DETAIL]
        super().__init__(f"HTTP {status} {self.code} {self.detail}".strip())


class _Body(aiohttp.BytesPayload):
    """A body that tells when it has left."""

    async def write_with_length(
        self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None
    ) -> None:
        await super().write_with_length(writer, content_length)
        LEFT.get()()


class Transport(AsyncTwilioHttpClient):  # type: ignore[misc]  # twilio ships no types
    """Carries the client's calls to the configured origins; to be made inside an event loop.

    The parent ignores its timeout, logs recipients, and cannot send JSON.
    """

    def __init__(self, settings: Settings, timeout: float = PATIENCE) -> None:
        super().__init__(pool_connections=False)
        self._origins = {
            TWILIO_API_URL: settings.twilio_api_url,
            TWILIO_CONTENT_URL: settings.twilio_content_url,
        }
        self.session = _session(timeout)

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one call, once. Raises Refused unless the answer is 2xx, else aiohttp's errors."""
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        body: bytes | None = None
        if data is not None and sent.get("Content-Type") == "application/json":
            body = json.dumps(data).encode()
        elif data is not None:
            body = _form(data)
        async with self.session.request(
            method.upper(),
            self._at_configured_origin(url),
            params={name: str(value) for name, value in (params or {}).items()},
            data=None if body is None else _Body(body),
            headers=sent,
            allow_redirects=False,
        ) as response:
            text = await response.text(errors="replace")
            if not 200 <= response.status < 300:
                raise Refused(response.status, response.headers, text)
            return Response(response.status, text, response.headers)

    def origin(self, real: str) -> str:
        """Return where what is *real* at Twilio is for us."""
        return self._origins[real]

    def _at_configured_origin(self, url: str) -> str:
        for real, ours in self._origins.items():
            if url.startswith(real + "/"):
                return ours + url.removeprefix(real)
        raise ValueError("not an address of Twilio's that is configured")


def _form(data: Mapping[str, object]) -> bytes:
    """Spell a form, a name for each of several values; as urllib does, in a fifth of the time.

    Raises UnicodeEncodeError for what is no text, which would be left out of what is sent.
    """
    pairs = [
        (name, str(each))
        for name, value in data.items()
        for each in (value if isinstance(value, list | tuple) else (value,))
    ]
    for _, text in pairs:
        text.encode()
    return URL.build(query=pairs).raw_query_string.encode()


def _session(timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEP_IDLE),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=_CONNECT_TIMEOUT),
    )


def _credentials(settings: Settings) -> tuple[str, str]:
    """Return user and password for the API: the key if there is one, else the first token."""
    if settings.twilio_api_key_sid:
        return settings.twilio_api_key_sid, settings.twilio_api_key_secret
    return settings.twilio_account_sid, settings.twilio_auth_token[0]


def _client(settings: Settings, transport: Transport) -> Client:
    user, password = _credentials(settings)
    return Client(user, password, settings.twilio_account_sid, http_client=transport)


class TwilioClient:
    """Sends messages from one event loop; make it inside that loop."""

    def __init__(self, settings: Settings, timeout: float = PATIENCE) -> None:
        self._transport = Transport(settings, timeout)
        self._client = _client(settings, self._transport)
        self._account_sid = settings.twilio_account_sid
        # The first look at `messages` loads them, slowly: not while a pace is kept.
        self._messages = self._client.messages

    async def create_message(self, **fields: Any) -> str:
        """Hand one message over, once; return its SID. Raises SendError for all else."""
        try:
            sent = await self._messages.create_async(**fields)
            if isinstance(sent.sid, str) and sent.sid:
                return sent.sid
        except Exception as error:
            # Without its cause: that one may carry the recipient's number into a log.
            raise send_error(error) from None
        raise SendError(Certainty.UNKNOWN, Cause.UNKNOWN, detail="accepted without an id")

    async def list_messages(
        self,
        since: datetime,
        *,
        to: str = "",
        from_: str = "",
        page_size: int = PAGE,
        pages: int = PAGES,
    ) -> tuple[list[Listed], bool]:
        """Return what was made at or after *since*, newest first, and whether that is all of it.

        *to* and *from_* as Twilio writes them. No filter on DateSent: what waits in a queue has
        none. Of long lists only so many pages are read. Raises SendError.
        """
        wanted = {name: value for name, value in (("to", to), ("from_", from_)) if value}
        found: list[Listed] = []
        try:
            page = await self._messages.page_async(page_size=page_size, **wanted)
            for _ in range(pages):
                rows = [_listed(row) for row in page]
                found += [row for row in rows if row.created >= since]
                if rows and all(row.created < since for row in rows):
                    return found, True
                page = await page.next_page_async()
                if page is None:
                    return found, True
        except Exception as error:
            raise send_error(error) from None
        return found, False

    async def media(self, ref: str) -> list[Media]:
        """Return the files that came with message *ref*. Raises SendError."""
        try:
            files = await self._client.messages(ref).media.list_async(limit=_MOST_MEDIA)
        except Exception as error:
            raise send_error(error) from None
        origin = self._transport.origin(TWILIO_API_URL)
        return [
            Media(
                kind_of(str(file.content_type)),
                origin + str(file.uri).removesuffix(".json"),
                str(file.content_type),
            )
            for file in files
        ]

    async def account(self) -> str:
        """Return the state of our account, ``active`` if all is well. Raises SendError."""
        try:
            account = await self._client.api.v2010.accounts(self._account_sid).fetch_async()
        except Exception as error:
            raise send_error(error) from None
        return str(account.status)

    async def close(self) -> None:
        """Let connections go."""
        await self._transport.close()


def _listed(row: Any) -> Listed:
    """Read one row of the list. Raises ValueError for one that says not when it was made."""
    if not isinstance(row.date_created, datetime) or not row.sid:
        raise ValueError("a message without a date")
    return Listed(
        ref=str(row.sid),
        direction=str(row.direction or ""),
        to=str(row.to or ""),
        from_=str(row.from_ or ""),
        service=str(row.messaging_service_sid or ""),
        body=storable(str(row.body or "")),
        status=str(row.status or ""),
        code=str(row.error_code or ""),
        created=row.date_created,
        segments=int(row.num_segments or 0),
        media=int(row.num_media or 0),
    )


def send_error(error: Exception) -> SendError:
    """Return what a failed call leaves us knowing.

    Not sent where no connection came about or Twilio asks to wait; refused where it said no;
    else unknown.
    """
    if isinstance(error, Refused):
        return _refusal(error)
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, detail=name, retry_after=_PAUSE)
    if isinstance(error, UnicodeEncodeError | aiohttp.InvalidURL):
        # Fails before any connection, and would each time again.
        return SendError(Certainty.REJECTED, Cause.OUR_FAULT, detail=name)
    return SendError(Certainty.UNKNOWN, Cause.UNKNOWN, detail=name)


def _refusal(error: Refused) -> SendError:
    code, detail = error.code or str(error.status), error.detail
    cause = CAUSES.get(error.code)
    if not 400 <= error.status < 500 or error.status == 408:
        return SendError(Certainty.UNKNOWN, Cause.UNKNOWN, code=code, detail=detail)
    if error.status == 401 or error.code == "20003" or (error.status == 403 and cause is None):
        # A wrong key, or an account that may not, must hold messages up, not fail each of them.
        return SendError(
            Certainty.NOT_SENT,
            Cause.OUR_FAULT,
            code=code,
            detail=detail,
            retry_after=_PAUSE_AFTER_REFUSED_KEY,
        )
    if error.status == 429 or cause is Cause.TOO_FAST:
        pause = retry_after(error.headers.get("Retry-After"))
        return SendError(
            Certainty.NOT_SENT, Cause.TOO_FAST, code=code, detail=detail, retry_after=pause
        )
    # A refusal that we have no word for is about what we asked, not about the person.
    return SendError(Certainty.REJECTED, cause or Cause.OUR_FAULT, code=code, detail=detail)


def retry_after(header: str | None) -> float:
    """Return the seconds of a Retry-After *header*, or 5 if it has no number of them."""
    if header is not None and header.strip().isascii() and header.strip().isdigit():
        return float(header)
    return _PAUSE


@dataclass(frozen=True, slots=True)
class Approval:
    """What WhatsApp says of a template."""

    status: str  # unsubmitted received pending approved rejected paused disabled
    category: str  # UTILITY, MARKETING …; may differ from what was asked
    reason: str = ""  # why it was rejected


class ContentApi:
    """Templates at Twilio. Use as ``async with ContentApi(settings) as content``.

    Its calls raise SendError, as sending does.

    Source: twilio.com/docs/content/content-api-resources.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        """Open the connection, in the running event loop."""
        self._transport = Transport(self._settings)
        self._client = _client(self._settings, self._transport)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the connection go."""
        await self._transport.close()

    async def create(
        self,
        friendly_name: str,
        language: str,
        variables: Mapping[str, str],
        types: Mapping[str, Any],
    ) -> str:
        """Make a template; return its ContentSid (``HX…``).

        *language* is WhatsApp's code (``ps_AF``); *variables* holds a sample for each
        placeholder, by number; *types* is e.g. ``{"twilio/text": {"body": "Beste {{1}}, …"}}``.
        """
        made = await self._call(
            "POST",
            "/v1/Content",
            {
                "friendly_name": friendly_name,
                "language": language,
                "variables": dict(variables),
                "types": dict(types),
            },
        )
        return str(made["sid"])

    async def approve(self, sid: str, name: str, category: str) -> Approval:
        """Ask WhatsApp to approve; *name* is of a-z, 0-9 and _, *category* e.g. ``UTILITY``."""
        path = f"/v1/Content/{sid}/ApprovalRequests/whatsapp"
        asked = await self._call("POST", path, {"name": name, "category": category.upper()})
        return _approval(asked)

    async def approval(self, sid: str) -> Approval:
        """Return where the approval stands."""
        known = await self._call("GET", f"/v1/Content/{sid}/ApprovalRequests", None)
        return _approval(known.get("whatsapp") or {})

    async def _call(self, method: str, path: str, data: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} if data is not None else {}
        try:
            response = await self._client.request_async(
                method, TWILIO_CONTENT_URL + path, data=data, headers=headers
            )
            told = json.loads(response.text)
        except Exception as error:
            raise send_error(error) from None
        if not isinstance(told, dict):
            raise SendError(Certainty.UNKNOWN, Cause.UNKNOWN, detail="no answer that can be read")
        return told


def _approval(told: Mapping[str, Any]) -> Approval:
    return Approval(
        status=str(told.get("status") or "unsubmitted"),
        category=str(told.get("category") or ""),
        reason=str(told.get("rejection_reason") or ""),
    )


async def fetch_media(settings: Settings, url: str) -> File:
    """Fetch what a person sent: sound or a picture, up to FILE_LIMIT. Raises NotFetched.

    Only from the configured Twilio origin, and from where that one sends on to; our
    credentials go to the former alone. An address in a webhook may point anywhere.
    """
    if not url.startswith(settings.twilio_api_url + "/"):
        raise NotFetched("not at Twilio", again=False)
    headers = {"Authorization": aiohttp.encode_basic_auth(*_credentials(settings))}
    try:
        async with _session(PATIENCE) as session:
            for _ in range(_MEDIA_HOPS):
                async with session.get(url, headers=headers, allow_redirects=False) as response:
                    if not 300 <= response.status < 400:
                        return await _file(response)
                    url, headers = urljoin(url, response.headers["Location"]), {}
                    if not (url.startswith(settings.twilio_api_url + "/") or _is_media_store(url)):
                        raise NotFetched("sent on to elsewhere", again=False)
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
        raise NotFetched(type(error).__name__) from None
    raise NotFetched("sent on too often", again=False)


async def forget_media(settings: Settings, url: str) -> None:
    """Have Twilio delete a file that a person sent. Raises NotFetched."""
    if not url.startswith(settings.twilio_api_url + "/"):
        raise NotFetched("not at Twilio", again=False)
    headers = {"Authorization": aiohttp.encode_basic_auth(*_credentials(settings))}
    try:
        async with (
            _session(PATIENCE) as session,
            session.delete(url, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 204:
                raise NotFetched(f"HTTP {response.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotFetched(type(error).__name__) from None


def _is_media_store(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(
        host.endswith(store) if store.startswith(".") else host == store for store in _MEDIA_HOSTS
    )


async def _file(response: aiohttp.ClientResponse) -> File:
    if response.status != 200:
        # At first Twilio may not have it yet; the key may be wrong for now.
        raise NotFetched(f"HTTP {response.status}")
    if not response.content_type.startswith(_MEDIA_TYPES):
        raise NotFetched("neither sound nor a picture", again=False)
    content = bytearray()
    async for part in response.content.iter_chunked(2**16):
        content += part
        if len(content) > FILE_LIMIT:
            raise NotFetched("larger than 5 MB", again=False)
    return File(bytes(content), response.content_type)

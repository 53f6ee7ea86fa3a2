"""What the doors of the providers share: the envelope, and what may go wrong at a door."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import structlog
from flask import Request, Response, current_app

from bot import logs
from bot.channels.base import Envelope, Forged, NotUnderstood
from bot.house import House
from bot.messaging.inbox import Arrival
from webhooks.keeper import Keeper

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024
"""Bytes. A provider's webhook is a few kB; anything larger is refused unread."""

MOST_FIELDS = 500


def envelope_of(request: Request, *, form: bool) -> Envelope:
    """Return the request as it came, under the address that we configured for it.

    The Host header is never looked at: whoever forges a request forges that too. Raises
    ValueError for more than MOST_FIELDS fields.
    """
    house: House = current_app.extensions["house"]
    environ = request.environ
    query = environ.get("QUERY_STRING", "")
    body = request.get_data(cache=False)
    return Envelope(
        url=house.settings.public_url + request.path + (f"?{query}" if query else ""),
        headers={
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        },
        form=tuple(
            parse_qsl(
                body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
            )
        )
        if form
        else (),
        body=b"" if form else body,
    )


def take_in(read: Callable[[House], Arrival], *, thanks: int) -> Response:
    """Keep one event; answer *thanks*, 403, 400 or 503.

    503 makes the provider come back: nothing that was answered 2xx may be lost. No traceback is
    written: what went through here is what a person said.
    """
    keeper: Keeper = current_app.extensions["keeper"]
    try:
        keeper.keep(read(current_app.extensions["house"]))
    except Forged as error:
        log.warning("forged", why=str(error))
        return Response(status=403)
    except NotUnderstood as error:
        log.warning("not an event", why=str(error))
        return Response(status=400)
    except OSError as error:
        log.error("neither database nor disk", fault=logs.fault(error))
        return Response(status=503, headers={"Retry-After": "5"})
    except Exception as error:
        log.error("a fault of ours", fault=logs.fault(error))
        return Response(status=500)
    return Response(status=thanks)

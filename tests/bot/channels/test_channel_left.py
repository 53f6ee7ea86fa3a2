"""A call counts for a pace once its request stands on the wire, and a channel tells when."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from channel_server import Provider, WithoutTls, http, make_settings, running

from bot.channels import telegram_client, twilio_client
from bot.channels.base import LEFT, Outgoing, SendError
from bot.channels.sms import Sms
from bot.channels.telegram import Telegram

TAKEN = {
    Sms: http(201, json.dumps({"sid": "SM" + "0f" * 16, "status": "queued", "num_segments": "1"})),
    Telegram: http(
        200,
        json.dumps(
            {
                "ok": True,
                "result": {"message_id": 4, "date": 1, "chat": {"id": 1006, "type": "private"}},
            }
        ),
    ),
}


def text(address):
    return Outgoing(
        message=12, attempt=1, address=address, body="Kom je?", language="nl", useful_for=3600
    )


ADDRESS = {Sms: "+31697000001", Telegram: "1006"}


@dataclass
class Waits(Provider):
    """Answers once its caller says that the request has left."""

    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self, writer):
        await self.told.wait()
        await super().end(writer)


@pytest.mark.parametrize("kind", [Sms, Telegram])
def test_it_is_told_before_the_provider_answers(kind):
    """On a new connection, and on the next: a provider may take seconds to answer."""

    async def twice():
        async with running(Waits(TAKEN[kind])) as provider:
            channel = kind(make_settings(provider.url))
            LEFT.set(provider.told.set)
            try:
                for _ in range(2):
                    provider.told.clear()
                    assert await channel.send(text(ADDRESS[kind]))
            finally:
                await channel.close()

    asyncio.run(twice())


@pytest.mark.parametrize("kind", [Sms, Telegram])
def test_it_is_not_told_before_the_connection_has_come_about(kind, monkeypatch):
    """The greeting of TLS is never answered: nothing has left, however long that is waited for."""
    monkeypatch.setattr(twilio_client, "_CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(telegram_client, "_CONNECT_TIMEOUT", 0.2)
    told = []

    async def once():
        async with running(WithoutTls(hang=True)) as provider:
            channel = kind(make_settings(provider.url.replace("http", "https")))
            LEFT.set(lambda: told.append(1))
            try:
                with pytest.raises(SendError):
                    await channel.send(text(ADDRESS[kind]))
            finally:
                await channel.close()

    asyncio.run(once())
    assert [] == told

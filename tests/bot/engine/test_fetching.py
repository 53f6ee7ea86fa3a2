"""Voice notes are fetched one by one: what a provider says of one holds up no other."""

from __future__ import annotations

import asyncio

from channel_server import Provider, http, running
from post_office import Office
from sqlalchemy import select

from bot import moments
from bot.engine import voices
from bot.models.messages import Reply
from bot.models.people import Address
from bot.models.voices import VoiceNote


def spoke(office: Office, number: int) -> None:
    """Let a resident have sent a voice note that is still at Telegram."""
    wrote = office.wrote(f"telegram:{number}", lane="telegram:1004", state="done")
    with office.database.session() as session:
        reply = Reply(
            event_id=wrote.id,
            address_id=session.scalars(select(Address.id)).one(),
            channel="telegram",
            text="",
            media=[{"kind": "voice", "ref": f"file-{number}"}],
            at=moments.now(),
        )
        session.add(reply)
        session.flush()
        session.add(VoiceNote(reply_id=reply.id, state="coming", said_at=reply.at))


def test_an_answer_that_nobody_foresaw_is_tried_again_and_holds_up_no_other(sqlite_url):
    provider = Provider(answer=http(200, '{"ok": true, "result": null}'))

    async def play() -> list[int]:
        async with running(provider):
            office = Office(sqlite_url, telegram_api_url=provider.url)
            office.person(channel="telegram", address="1004")
            for number in (1, 2):
                spoke(office, number)
            assert 0 == await asyncio.to_thread(voices.fetch, office.house, 10)
            tries = office.read(lambda s: list(s.scalars(select(VoiceNote.tries))))
            office.close()
            return tries

    assert [1, 1] == asyncio.run(play())

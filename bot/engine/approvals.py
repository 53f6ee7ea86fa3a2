"""Makes at Twilio the templates that are wanted, and asks what WhatsApp decided on them.

It belongs to the engine because it calls between transactions, never within one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot import moments
from bot.channels.base import SendError
from bot.house import House
from bot.messaging import templates
from bot.models.templates import Template

if TYPE_CHECKING:
    from bot.channels.twilio_client import ContentApi

GIVE_UP = 3
"""After this many failures the rest is not tried: something is wrong with all of it."""


async def push(house: House, languages: Collection[str] = ()) -> tuple[int, list[str]]:
    """Make what is wanted and not there, and ask for approval; return how many, and what failed.

    Only for the readers of *languages* (codes), if any are named. Every resource is recorded
    as soon as it is made: going on after a failure makes no second.
    """
    made = 0
    failed: list[str] = []
    async with _content_api(house) as content:
        for want in templates.wanted(house):
            if languages and want.language not in languages:
                continue
            with house.database.reading() as session:
                if templates.known(session, want) is not None:
                    continue
            try:
                row = await _make(content, want)
            except SendError as error:
                failed.append(f"{want.name}: {error.code} {error.detail}")
                if len(failed) == GIVE_UP:
                    break
                continue
            with house.database.session() as session:
                session.add(row)
            made += 1
    return made, failed


async def _make(content: ContentApi, want: templates.Wanted) -> Template:
    sid = await content.create(want.name, want.meta_language, want.samples, want.types)
    status, reason = templates.SESSION, ""
    if want.category is not None:
        asked = await content.approve(sid, want.name, want.category)
        status, reason = asked.status, asked.reason
    return Template(
        key=want.key,
        language=want.language,
        digest=want.digest,
        name=want.name,
        content_sid=sid,
        status=status,
        category=want.category,
        reason=reason or None,
        changed_at=moments.now(),
    )


async def refresh(house: House, statuses: Collection[str] | None = None) -> int:
    """Ask where approvals stand and record it, of all or of those in *statuses*; return how many.

    Raises SendError.
    """
    with house.database.reading() as session:
        rows = [
            (row.id, row.content_sid)
            for row in session.scalars(select(Template).where(Template.status != templates.SESSION))
            if statuses is None or row.status in statuses
        ]
    if not rows:
        return 0
    async with _content_api(house) as content:
        for number, sid in rows:
            told = await content.approval(sid)
            with house.database.session() as session:
                row = session.get_one(Template, number)
                row.status, row.reason = told.status, told.reason or None
                row.category = told.category.lower() or row.category
                row.changed_at = moments.now()
    return len(rows)


def _content_api(house: House) -> ContentApi:
    # Its client takes a second to load: only who makes templates waits for that.
    from bot.channels.twilio_client import ContentApi

    return ContentApi(house.settings)

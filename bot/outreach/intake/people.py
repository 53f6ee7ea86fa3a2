"""People of a file: who they are, where they can be reached, what they allowed.

A file is the gemeente's word, and an older one may be brought again. So what a person has
said since goes before it: their language, their no, their STOP, the channel they moved to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from bot import moments
from bot.channels import numbers
from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.gemeente import Gemeente
from bot.house import House
from bot.inserts import insert_once
from bot.models.erasures import Erasure
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.outreach import merging
from bot.outreach.intake.fields import CLEAR, Fields
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Sheet
from bot.privacy import consent, erasure
from bot.told import tell

_CHANNELS = {
    **dict.fromkeys(("whatsapp", "whats app", "wa", "app"), WHATSAPP),
    **dict.fromkeys(("sms", "sms'en", "tekstbericht"), SMS),
    **dict.fromkeys(("telegram", "tg"), TELEGRAM),
}
_BY_PHONE = (WHATSAPP, SMS)
_IMPORT = "import "
"""How evidence begins that a file gave."""
_HIGHEST_CHAT_ID = 2**52
"""Telegram keeps chat ids below 52 significant bits."""

LONGEST_SHORT_NAME = 20
"""Characters of a short name: it stands in a list on a small screen."""

ANOTHERS = tell("dit nummer is van iemand anders; vraag het juiste nummer")

Place = tuple[str, str]
"""A channel and the address there: what makes an `Address` unique."""


@dataclass(frozen=True)
class _Told:
    """What one row says of one person, read but not stored."""

    fields: Fields
    kenmerk: str
    person: Inburgeraar | None
    values: dict[str, str | None]
    """Columns of `Inburgeraar`, as they should be."""
    phone: str | None
    place: Place | None
    allowed: bool | None


@dataclass
class _Batch:
    """What is needed to store a batch without asking the database for every person."""

    session: Session
    source: str
    report: Report
    addresses: dict[Place, Address]
    stopped: set[str]
    """Telephone numbers that were stopped on some channel."""
    words: dict[int, list[Consent]]
    """What people said about invitations, the last word last."""
    not_theirs: set[tuple[int, int]]
    """People and addresses that are somebody else's now, by id."""


def store(session: Session, house: House, sheet: Sheet, report: Report) -> None:
    """Store the people of *sheet*; count them in *report*.

    A stop is never lifted, a closed or blocked address never opened again, and nobody is put
    on a channel that the file does not name.
    """
    key = house.settings.signing_key
    kenmerken = [row.cells["kenmerk"] for row in sheet.rows]
    known, forgotten = _known(session, kenmerken), erasure.known(session, key, kenmerken)
    merged = merging.called(session, kenmerken)
    for row in sheet.rows:
        if row.cells["kenmerk"] in merged:
            fields = Fields(row, sheet.unit)
            fields.doubt("kenmerk", "samengevoegd met iemand anders; deze regel is overgeslagen")
            report.warnings += fields.doubts
            report.counts["unchanged"] += 1
    rows = [row for row in sheet.rows if row.cells["kenmerk"] not in merged]
    told = [_told(Fields(row, sheet.unit), known, house.gemeente) for row in rows]
    for each in told:
        if each.kenmerk in forgotten:
            _come_back(each, forgotten[each.kenmerk], typed=sheet.typed)
    good = [each for each in told if not each.fields.faults]
    report.refused += [(each.fields.row, each.fields.faults) for each in told if each.fields.faults]
    batch = _Batch(
        session,
        sheet.source,
        report,
        _addresses(session, key, good),
        _stopped(session, good),
        _words(session, [each.person for each in good if each.person]),
        consent.taken(session, [each.person.id for each in good if each.person]),
    )
    stored = [_person(batch, each) for each in good]
    session.flush()
    for each, (person, changed) in zip(good, stored, strict=True):
        changed |= _allow(batch, person, each)
        report.counts["new" if each.person is None else "changed" if changed else "unchanged"] += 1
        report.warnings += each.fields.doubts


def _come_back(told: _Told, forgotten: Erasure, *, typed: bool) -> None:
    """Let who was erased at their own request come back by a colleague, never by a file."""
    on = f"{moments.local(forgotten.at):%d-%m-%Y}"
    if typed:
        told.fields.doubt(
            "kenmerk", tell("op %(on)s gewist; alleen omdat de persoon zelf terug wil", on=on)
        )
        forgotten.again_at = moments.now()
    else:
        told.fields.wrong(
            "kenmerk",
            tell(
                "deze persoon is op %(on)s op eigen verzoek gewist; wil die terug, schrijf hem of "
                "haar dan met de hand in",
                on=on,
            ),
        )


def _known(session: Session, kenmerken: Sequence[str]) -> dict[str, Inburgeraar]:
    people = session.scalars(
        select(Inburgeraar)
        .where(Inburgeraar.kenmerk.in_(kenmerken))
        .options(selectinload(Inburgeraar.addresses).selectinload(PersonAddress.address))
    )
    return {person.kenmerk: person for person in people}


def _told(fields: Fields, known: dict[str, Inburgeraar], gemeente: Gemeente) -> _Told:
    kenmerk = fields.kenmerk()
    person = known.get(kenmerk)
    phone = fields.phone()
    values = {
        "first_name": fields.first_name() or (person.first_name if person else None),
        "short_name": _short_name(fields, person),
        "language": _language(fields, person),
        "wijk": wijk(fields, gemeente, person.wijk if person else None),
        "groep": fields.optional("groep", person.groep if person else None),
        "klantmanager": fields.optional("klantmanager", person.klantmanager if person else None),
        "household": fields.optional("huishouden", person.household if person else None),
    }
    for column, name in (("voornaam", "first_name"), ("taal", "language")):
        fields.require(column, values[name])
    place = _place(fields, person, phone)
    return _Told(fields, kenmerk, person, values, phone, place, fields.yes_or_no("toestemming"))


def _short_name(fields: Fields, person: Inburgeraar | None) -> str | None:
    """Return the short name that the person agreed to on a shared phone; ``-`` takes it back."""
    name = fields.optional("korte naam", person.short_name if person else None)
    if name is not None and len(name) > LONGEST_SHORT_NAME:
        fields.wrong(
            "korte naam",
            tell("hoogstens %(most)s tekens", most=LONGEST_SHORT_NAME),
        )
    elif name is not None and not any(map(str.isalpha, name)):
        fields.wrong("korte naam", "dit is geen naam")
    return name


def _language(fields: Fields, person: Inburgeraar | None) -> str | None:
    """Return the code of the language to speak; one that a person chose stays.

    A choice is kept with the address it came from, while a file sets the person alone.
    """
    told = fields.text("taal")
    if not told:
        return person.language if person else None
    language = fields.language("taal", told)
    if language is None or person is None or language.code == person.language:
        return language.code if language else None
    if any(link.address.language == person.language for link in person.addresses):
        fields.doubt("taal", "deze persoon heeft zelf een andere taal gekozen; die blijft")
        return person.language
    return language.code


def _place(fields: Fields, person: Inburgeraar | None, phone: str | None) -> Place | None:
    """Return where the row says the person can be reached; None if it says nothing new."""
    chat = fields.value("telegram", _chat)
    channel = fields.value("kanaal", _channel)
    if any(fault.column in ("telefoon", "telegram", "kanaal") for fault in fields.faults):
        return None
    theirs = [link.address for link in person.addresses] if person else []
    if channel is None:
        channel = _unnamed(theirs, phone, chat)
    if channel is None:
        if not theirs:
            fields.wrong("telefoon", "er is geen telefoon en geen telegram ingevuld")
        return None
    address = chat if channel == TELEGRAM else phone
    if address is None:
        if any(known.channel == channel for known in theirs):
            return None
        if channel == TELEGRAM:
            fields.wrong(
                "telegram",
                "het chat-id ontbreekt; zonder START van de persoon kan Telegram niet. Kies sms",
            )
        else:
            fields.wrong(
                "telefoon", tell("voor %(channel)s is een telefoonnummer nodig", channel=channel)
            )
        return None
    if channel != TELEGRAM and numbers.is_landline(address):
        fields.wrong(
            "telefoon",
            tell("dit is een vast nummer; %(channel)s kan daar niet naartoe", channel=channel),
        )
        return None
    return channel, address


def _unnamed(theirs: Sequence[Address], phone: str | None, chat: str | None) -> str | None:
    """Return the channel where the file names none: the one in use goes before our own choice."""
    for known in theirs:
        if known.address in (phone, chat) or (phone and known.channel in _BY_PHONE):
            return known.channel
    if theirs and not chat:
        return None
    return TELEGRAM if chat else SMS if phone else None


def _channel(text: str) -> str:
    channel = _CHANNELS.get(text.casefold())
    if channel is None:
        raise ValueError("dit kanaal is onbekend; kies whatsapp, sms of telegram")
    return channel


def _chat(text: str) -> str:
    found = re.fullmatch(r"(\d{1,16})(?:[.,]0+)?", text)
    if not found or not 0 < int(found[1]) < _HIGHEST_CHAT_ID:
        raise ValueError("dit is geen chat-id van een persoon; dat is een getal van boven de 0")
    return str(int(found[1]))


def _addresses(session: Session, key: bytes, told: Iterable[_Told]) -> dict[Place, Address]:
    """Return the address of every place, made where it was not there.

    One statement each: a person who writes to us just now may make the same address.
    """
    wanted = {each.place: each.phone for each in told if each.place}
    before = _at(session, wanted)
    for (channel, address), phone in wanted.items():
        if (channel, address) not in before:
            insert_once(
                session,
                Address,
                {
                    "channel": channel,
                    "address": address,
                    "phone": phone if channel == TELEGRAM else address,
                    "state": "open",
                    "created_at": moments.now(),
                },
            )
    there = _at(session, wanted)
    new = [there[place] for place in wanted if place not in before]
    erasure.hold_again(session, key, new, by_phone=True)
    return there


def _at(session: Session, places: Iterable[Place]) -> dict[Place, Address]:
    by_channel: dict[str, list[str]] = defaultdict(list)
    for channel, address in places:
        by_channel[channel].append(address)
    return {
        (found.channel, found.address): found
        for channel, wanted in by_channel.items()
        for found in session.scalars(
            select(Address).where(Address.channel == channel, Address.address.in_(wanted))
        )
    }


def _words(session: Session, people: Sequence[Inburgeraar]) -> dict[int, list[Consent]]:
    """Return what each person said about invitations, the last word last."""
    words: dict[int, list[Consent]] = defaultdict(list)
    for word in session.scalars(
        select(Consent)
        .where(
            Consent.person_id.in_([person.id for person in people]),
            Consent.purpose == consent.INVITATION,
        )
        .order_by(Consent.id)
    ):
        if word.person_id is not None:
            words[word.person_id].append(word)
    return words


def _stopped(session: Session, told: Iterable[_Told]) -> set[str]:
    phones = [each.phone for each in told if each.phone]
    return {
        number
        for address in session.scalars(
            select(Address).where(
                or_(Address.phone.in_(phones), Address.address.in_(phones)),
                Address.stopped_at.is_not(None),
            )
        )
        for number in (address.phone, address.address)
        if number
    }


def _person(batch: _Batch, told: _Told) -> tuple[Inburgeraar, bool]:
    """Put what the row says on the person; return them and whether anything changed."""
    if told.person is None:
        person = Inburgeraar(kenmerk=told.kenmerk, created_at=moments.now(), **told.values)
        batch.session.add(person)
    else:
        person = told.person
    changed = False
    for name, value in told.values.items():
        if getattr(person, name) != value:
            setattr(person, name, value)
            changed = True
    return person, _reach(batch, person, told) or changed


def wijk(fields: Fields, gemeente: Gemeente, known: str | None) -> str | None:
    """Return the wijk by the gemeente's own name; an unknown one is taken, with a warning.

    A code may have lost its 0 in a spreadsheet.
    """
    told = fields.text("wijk")
    if not told or told == CLEAR:
        return fields.optional("wijk", known)
    found = gemeente.wijk(told) or gemeente.wijk(told.zfill(2))
    if found is None:
        fields.doubt(
            "wijk", tell("deze wijk staat niet in de lijst van %(name)s", name=gemeente.name)
        )
    return found.name if found else told


def _reach(batch: _Batch, person: Inburgeraar, told: _Told) -> bool:
    """Make the told place the first of *person*, unless it was theirs already."""
    if told.place is None:
        return False
    address, fields = batch.addresses[told.place], told.fields
    column = "telegram" if address.channel == TELEGRAM else "telefoon"
    changed = False
    if told.phone and address.phone is None:
        address.phone, changed = told.phone, True
    links = list(person.addresses)
    by_phone = [link.address.phone for link in links if link.address.channel in _BY_PHONE]
    if by_phone:
        batch.report.had_number += 1
    if any(link.address is address for link in links):
        if links[0].address is not address:
            used = links[0].address.channel
            fields.doubt(
                "kanaal", tell("deze persoon is nu te bereiken met %(used)s; dat blijft", used=used)
            )
        _warn(fields, column, address)
        return changed
    if (person.id, address.id) in batch.not_theirs:
        fields.doubt(column, ANOTHERS)
        return changed
    stopped = told.phone in batch.stopped or any(link.address.stopped_at for link in links)
    if stopped and address.stopped_at is None:
        if _shared(batch.session, address):
            fields.doubt(column, "deze persoon heeft zich afgemeld; het adres is niet veranderd")
            return changed
        # A stop is the person's, not the number's: another number or channel is no way round.
        consent.stop(batch.session, address, f"{_IMPORT}{batch.source}: elders afgemeld")
    if by_phone and told.phone not in by_phone:
        batch.report.moved_number += 1
    for link in links:
        if link.address.channel in (address.channel, *_BY_PHONE):
            person.addresses.remove(link)
            batch.session.delete(link)
        else:
            link.rank += 1
    person.addresses.insert(0, PersonAddress(address=address, rank=0))
    _warn(fields, column, address)
    return True


def _shared(session: Session, address: Address) -> bool:
    """Tell whether *address* already serves somebody, who did not stop it."""
    return (
        session.scalars(
            select(PersonAddress.id).where(PersonAddress.address_id == address.id).limit(1)
        ).first()
        is not None
    )


def _warn(fields: Fields, column: str, address: Address) -> None:
    if address.stopped_at is not None:
        fields.doubt(column, "hier is STOP gestuurd; er gaan geen berichten naartoe")
    elif address.state == "closed":
        fields.doubt(column, ANOTHERS)
    elif address.state == "blocked":
        fields.doubt(column, "deze persoon heeft ons daar geblokkeerd")
    elif address.state == "bad":
        fields.doubt(column, "dit nummer bestaat niet, zegt de provider")


def _allow(batch: _Batch, person: Inburgeraar, told: _Told) -> bool:
    """Write down a yes or no that is news; return whether it was.

    An older file never undoes what the person has said since, and a no of their own is only
    taken back by themselves, or by staff who spoke to them.
    """
    if told.allowed is None:
        return False
    channel = told.place[0] if told.place else person.addresses[0].address.channel
    words = batch.words.get(person.id, [])
    about = [word for word in words if word.channel in (None, channel)]
    if about and about[-1].given == told.allowed:
        return False
    own = [word for word in words if not word.evidence.startswith(_IMPORT)]
    if told.allowed and own and not own[-1].given:
        told.fields.doubt("toestemming", "deze persoon heeft zelf nee gezegd; dat blijft")
        return False
    files = [word for word in about if word.evidence.startswith(_IMPORT)]
    if files and files[-1].given == told.allowed:
        return False
    batch.session.add(
        Consent(
            person_id=person.id,
            purpose=consent.INVITATION,
            channel=channel,
            given=told.allowed,
            evidence=f"{_IMPORT}{batch.source}",
            at=moments.now(),
        )
    )
    return True

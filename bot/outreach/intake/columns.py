"""The columns of each kind of file, and what else staff and other systems call them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bot.outreach.intake.sheet import MOST_COLUMNS, Unreadable
from bot.told import tell

_PHONE = (
    "mobiel, tel, tel nr, telnummer, telefoonnummer, telefoonnr, mobielnummer, mobiel nr, "
    "mobiele telefoon, mobiel telefoonnummer, telefoon mobiel, gsm, 06, 06 nummer, phone, mobile"
)
_PLACE = {
    "plaats": "locatie, plek, waar, gebouw, location, place",
    "adres": "bezoekadres, straat, straat en huisnummer, adresgegevens, address",
}
_FIRST_NAME = "naam, roepnaam, voornamen, volledige naam, first name, name"
_WIJK = "buurt, wijknaam, wijkcode, stadsdeel"
_HOUSEHOLD = "gezin, gezinsnummer, huishoudnummer, household"
_PERSON_KEYS = (
    "klantnummer, klantnr, clientnummer, clientnr, dossiernummer, persoonskenmerk, kenmerk persoon"
)

_COLUMNS = {
    "people": {
        "kenmerk": f"id, persoon, sleutel, referentie, {_PERSON_KEYS}",
        "voornaam": _FIRST_NAME,
        "korte naam": "naam op gedeelde telefoon, korte naam gedeelde telefoon, short name",
        "taal": "voorkeurstaal, moedertaal, contacttaal, taalcode, language",
        "telefoon": _PHONE,
        "kanaal": "voorkeurskanaal, contactkanaal, channel",
        "telegram": "telegram id, telegram chat id, chat id",
        "wijk": _WIJK,
        "groep": "doelgroep, klas, cohort, group",
        "klantmanager": "consulent, casemanager, begeleider, contactpersoon",
        "toestemming": "akkoord, toestemming uitnodigingen, uitnodigingen, consent",
        "huishouden": _HOUSEHOLD,
    },
    "afspraken": {
        "kenmerk": "id, afspraaknummer, afspraaknr, afspraakkenmerk, kenmerk afspraak, uid",
        "persoon": f"inburgeraar, klant, client, deelnemer, person, {_PERSON_KEYS}",
        "begin": "aanvang, datum en tijd, datum tijd, datumtijd, tijdstip, wanneer, start, moment",
        "datum": "dag, begindatum, startdatum, afspraakdatum, date",
        "tijd": "begintijd, starttijd, aanvangstijd, time",
        "duur": "minuten, duur minuten, duur in minuten, duur min, lengte, duration",
        "soort": "type, soort afspraak, afspraaksoort, onderwerp",
        **_PLACE,
        "medewerker": "klantmanager, consulent, casemanager, contactpersoon, met, met wie",
        "status": "staat, toestand",
    },
    "slots": {
        "kenmerk": "id, nummer, slot, slotnummer, kenmerk slot, uid",
        "wie": "medewerker, klantmanager, consulent, casemanager, met, met wie, collega",
        "begin": "aanvang, datum en tijd, datum tijd, datumtijd, tijdstip, wanneer, start, van",
        "datum": "dag, begindatum, startdatum, date",
        "tijd": "begintijd, starttijd, aanvangstijd, time",
        "einde": "eind, eindtijd, tot, end",
        "plek": "plaats, locatie, waar, gebouw, location, place",
        "adres": "bezoekadres, straat, straat en huisnummer, adresgegevens, address",
        "status": "staat, toestand",
    },
    "voortrajecten": {
        "kenmerk": "id, nummer, sleutel, referentie, kenmerk voortraject",
        "thema": "onderwerp, titel, naam, cursus",
        **_PLACE,
        "dagen": "dag, lesdagen, weekdagen, days",
        "begin": "begintijd, starttijd, aanvang, van",
        "eind": "eindtijd, einde, tot",
        "start": "startdatum, begindatum, eerste les, eerste dag, ingangsdatum, datum",
        "weken": "aantal weken, duur in weken, weeks",
        "plekken": "plaatsen, aantal plekken, aantal plaatsen, capaciteit, maximum",
        "wachttijd": "wachttijd uren, wachttijd in uren, bedenktijd",
    },
    "ambassadeurs": {
        "kenmerk": "id, nummer, sleutel, referentie, kenmerk ambassadeur",
        "voornaam": _FIRST_NAME,
        "telefoon": _PHONE,
        "talen": "taal, languages",
        "wijk": _WIJK,
        "huishouden": _HOUSEHOLD,
    },
}

REFUSED_COLUMNS = ("rij", "reden")
"""What a file of refused rows has besides; passed over when it is brought again."""


def names(kind: str) -> tuple[str, ...]:
    """Return the columns of a kind of file, in the order people know."""
    return tuple(_COLUMNS[kind])


def match(kind: str, header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Find our columns in *header*: name -> position. Also notes, in Dutch, for staff.

    Our own name goes before a synonym. Raises Unreadable when two columns have one name or
    one meaning, and when there is no kenmerk.
    """
    if len(header) > MOST_COLUMNS:
        raise Unreadable(
            tell(
                "Rij 1 heeft %(n)s kolommen; het mogen er %(most)s zijn.",
                n=len(header),
                most=MOST_COLUMNS,
            )
        )
    folded = [fold(name) for name in header]
    for position, name in enumerate(folded):
        if name and name in folded[:position]:
            raise Unreadable(
                tell(
                    "De kolom %(position)s staat er twee keer. Haal er een weg of geef hem een "
                    "andere naam.",
                    position=_shown(header[position]),
                )
            )
    found: dict[str, int] = {}
    for column, also in _COLUMNS[kind].items():
        synonyms = {fold(name) for name in also.split(",")}
        positions = [folded.index(fold(column))] if fold(column) in folded else []
        positions = positions or [at for at, name in enumerate(folded) if name in synonyms]
        if len(positions) > 1:
            both = " en ".join(_shown(header[at]) for at in positions)
            raise Unreadable(
                tell(
                    "De kolommen %(both)s betekenen allebei %(column)s. Laat er een over.",
                    both=both,
                    column=column,
                )
            )
        if positions:
            found[column] = positions[0]
    if "kenmerk" not in found:
        present = ", ".join(_shown(name) for name in header if name.strip()) or "niets"
        raise Unreadable(
            tell(
                "De kolom kenmerk ontbreekt. In de eerste rij horen de namen van de "
                "kolommen: %(which)s. Nu staat daar: %(present)s.",
                which=", ".join(names(kind)),
                present=present[:300],
            )
        )
    used = set(found.values())
    unknown = [
        _shown(name)
        for at, name in enumerate(header)
        if name.strip() and at not in used and folded[at] not in REFUSED_COLUMNS
    ]
    notes: list[str] = (
        [tell("Niet gelezen, want onbekend: %(which)s.", which=", ".join(unknown))]
        if unknown
        else []
    )
    return found, notes


def fold(name: str) -> str:
    """Return *name* in small letters and digits alone: ``Tel. nr`` and ``telnr`` are one."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in apart if sign.isalnum())


def _shown(name: str) -> str:
    tidy = " ".join(name.split())
    return tidy if len(tidy) <= 30 else tidy[:29] + "…"

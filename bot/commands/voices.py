"""`stap voices`: what ambassadeurs read aloud; listening to it, and letting it be heard or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import print_json, print_table, refuse, the_house
from bot.house import House
from bot.messaging import convert, machine, voices
from bot.models.ambassadeurs import Ambassadeur
from bot.models.staff import StaffMember
from bot.models.voices import Recording, VoiceNote
from bot.outreach import voices as readers
from bot.privacy import audit
from bot.wording import ogg
from bot.wording.languages import Language, find

WITHOUT_M4A = (
    "Let op: zonder ffmpeg is er geen M4A bij gemaakt; oudere iPhones horen het dan niet op de "
    "pagina. Installeer ffmpeg en doe: stap voices convert"
)

by = click.option("--by", "email", required=True, help="Wie dit beslist: een adres uit stap staff.")
number = click.argument("number", metavar="NUMMER", type=int)


@click.group("voices")
def voices_() -> None:
    """Opnames van ambassadeurs: beluisteren, goedkeuren, weigeren.

    Een ambassadeur begint zelf, door 🎤 te sturen in WhatsApp of Telegram.
    """


@voices_.command("list")
@click.option("--all", "everything", is_flag=True, help="Ook wat al beslist is.")
@click.option("--json", "as_json", is_flag=True)
def list_(everything: bool, as_json: bool) -> None:
    """Toon wat beluisterd moet worden."""
    with the_house() as house, house.database.reading() as session:
        wanted = select(Recording, Ambassadeur.kenmerk).outerjoin(
            Ambassadeur, Ambassadeur.id == Recording.ambassadeur_id
        )
        if not everything:
            wanted = wanted.where(Recording.state == "new")
        rows = [_row(*found) for found in session.execute(wanted.order_by(Recording.id))]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["id", "language", "says", "state", "by", "seconds", "why"])


def _row(recording: Recording, kenmerk: str | None) -> dict[str, Any]:
    return {
        "id": recording.id,
        "language": recording.language,
        "piece": recording.piece,
        "says": recording.says,
        "state": recording.state,
        "by": "computer" if recording.machine else kenmerk,
        "seconds": recording.seconds,
        "made_at": moments.local(recording.made_at).isoformat(),
        "why": recording.why,
    }


@voices_.command("missing")
@click.argument("language", metavar="TAAL")
def missing(language: str) -> None:
    """Toon wat in TAAL nog voorgelezen moet worden; wat het meest nodig is eerst."""
    spoken_in = _language(language)
    with the_house() as house, house.database.reading() as session:
        left = readers.missing(session, house, spoken_in.code)
    for piece in left:
        click.echo(f"{piece.key}\t{' / '.join(piece.says.splitlines())}")
    click.echo(f"Nog {len(left)} stukjes in het {spoken_in.dutch}.", err=True)


@voices_.command("play")
@number
@click.argument("target", metavar="BESTAND", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--note", is_flag=True, help="Een spraakbericht van een bewoner, bij dit antwoord.")
def play(number: int, target: Path, note: bool) -> None:
    """Zet een opname in BESTAND, om te beluisteren."""
    with the_house() as house:
        with house.database.session() as session:
            path = _note(session, house, number) if note else _path(session, house, number)
            action, subject = ("voice.heard", "reply") if note else ("recording.heard", "recording")
            audit.record(session, house.settings.signing_key, None, action, f"{subject}:{number}")
        target.write_bytes(path.read_bytes())
    click.echo(f"Geschreven: {target}")


def _note(session: Session, house: House, number: int) -> Path:
    note = session.scalars(select(VoiceNote).where(VoiceNote.reply_id == number)).one_or_none()
    path = house.settings.voices / note.file if note is not None and note.file else None
    if path is None or not path.is_file():
        refuse(f"Bij antwoord {number} is geen geluid (meer).")
    return path


def _path(session: Session, house: House, number: int) -> Path:
    path = voices.path_of(house.settings, _recording(session, number))
    if path is None:
        refuse(f"Van opname {number} is er geen geluid (meer).")
    return path


@voices_.command("approve")
@click.argument("numbers", metavar="NUMMER...", nargs=-1, required=True, type=int)
@by
def approve(numbers: tuple[int, ...], email: str) -> None:
    """Keur opnames goed. Luister eerst: iedereen die deze taal kiest, hoort ze."""
    with the_house() as house:
        with house.database.session() as session:
            staff = _staff(session, email)
            for each in numbers:
                recording = _recording(session, each)
                if voices.path_of(house.settings, recording) is None:
                    refuse(f"Van opname {each} is er geen geluid. Er is niets goedgekeurd.")
                readers.approve(session, recording, staff)
                _note_down(session, house, staff, "recording.approve", each)
        made = _convert(house)
    click.echo(f"Goedgekeurd: {len(numbers)}.")
    if made is None:
        click.echo(WITHOUT_M4A, err=True)


@voices_.command("refuse")
@number
@by
@click.option("--why", required=True, help="In één zin; de ambassadeur leest dit.")
def refuse_(number: int, email: str, why: str) -> None:
    """Weiger een opname. De ambassadeur hoort waarom, en mag het nog een keer doen."""
    why = " ".join(why.split())
    if not 3 <= len(why) <= readers.LONGEST_WHY:
        refuse(f"--why: schrijf één zin, hooguit {readers.LONGEST_WHY} tekens.")
    with the_house() as house, house.database.session() as session:
        staff, recording = _staff(session, email), _recording(session, number)
        told = readers.refuse(session, house, recording, why, staff)
        _note_down(session, house, staff, "recording.refuse", number)
    click.echo("Geweigerd." + ("" if told else " Er is niemand om het nog eens te vragen."))


@voices_.command("add")
@click.argument("language", metavar="TAAL")
@click.argument("piece", metavar="STUKJE")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@by
def add(language: str, piece: str, file: Path, email: str) -> None:
    """Neem een opname op die ergens anders gemaakt is; STUKJE is er een van stap voices missing."""
    spoken_in = _language(language)
    with the_house() as house:
        wanted = {p.key: p for p in readers.wanted(house, spoken_in.code)}
        if piece not in wanted:
            refuse(f"{piece} kennen wij niet in het {spoken_in.dutch}. Zie: stap voices missing")
        try:
            content = file.read_bytes()
            if file.suffix.lower() not in (".ogg", ".oga", ".opus"):
                content = convert.opus(content, file.suffix)
            sound = ogg.read(content)
        except (ogg.NotOpus, convert.CannotConvert) as error:
            refuse(f"{file}: {error}")
        if (wrong := readers.checked(sound)) is not None:
            refuse(f"{file}: {wrong}")
        with house.database.session() as session:
            staff = _staff(session, email)
            recording = readers.brought(session, house, spoken_in.code, wanted[piece], sound)
            readers.approve(session, recording, staff)
            _note_down(session, house, staff, "recording.add", recording.id)
            added = recording.id
        made = _convert(house)
    click.echo(f"Opname {added} is goedgekeurd.")
    if made is None:
        click.echo(WITHOUT_M4A, err=True)


@voices_.command("drop")
@number
@by
def drop(number: int, email: str) -> None:
    """Neem een opname terug: vanaf nu hoort niemand haar meer, en zij wordt gewist."""
    with the_house() as house, house.database.session() as session:
        staff = _staff(session, email)
        readers.drop(session, house, _recording(session, number))
        _note_down(session, house, staff, "recording.drop", number)
    click.echo("Teruggenomen en gewist.")


@voices_.command("convert")
def convert_() -> None:
    """Maak M4A van wat goedgekeurd is en het nog niet heeft (ffmpeg is nodig)."""
    with the_house() as house:
        made = _convert(house)
    if made is None:
        refuse("ffmpeg is er niet. Zie docs/operations.md.")
    click.echo(f"M4A gemaakt: {made}.")


@voices_.command("machine")
@click.argument("language", metavar="TAAL")
@by
def machine_(language: str, email: str) -> None:
    """Laat espeak-ng voorlezen wat in TAAL nog geen computerstem heeft.

    Ze wordt alleen gebruikt als MACHINE_VOICE=true, en zegt altijd eerst dat zij een computer is.
    """
    spoken_in = _language(language)
    with the_house() as house:
        if spoken_in.machine is None:
            refuse(f"Voor het {spoken_in.dutch} is er geen computerstem. Vraag een ambassadeur.")
        done = 0
        with house.database.reading() as session:
            left = machine.missing(session, house, spoken_in)
            _staff(session, email)
        for piece in left:
            try:
                sound = machine.read_aloud(piece.says, spoken_in.machine)
            except machine.CannotSpeak as error:
                refuse(f"{error} Er zijn {done} stukjes gemaakt.")
            with house.database.session() as session:
                staff = _staff(session, email)
                recording = readers.brought(
                    session, house, spoken_in.code, piece, sound, machine=True
                )
                readers.approve(session, recording, staff)
            done += 1
        _convert(house)
    click.echo(f"Gemaakt: {done}.")
    if not house.settings.machine_voice:
        click.echo("Zet MACHINE_VOICE=true om ze te gebruiken.", err=True)


def _convert(house: House) -> int | None:
    """Make M4A of what lacks it; return of how many, None where nothing can make it."""
    with house.database.reading() as session:
        names = session.scalars(
            select(Recording.file).where(Recording.state == "approved", Recording.file.is_not(None))
        ).all()
    lacking = [
        name
        for name in names
        if name
        and (house.settings.voices / f"{name}{voices.OGG}").is_file()
        and not (house.settings.voices / f"{name}{voices.M4A}").is_file()
    ]
    if lacking and convert.program() is None:
        return None
    made = 0
    for name in lacking:
        try:
            sound = convert.m4a((house.settings.voices / f"{name}{voices.OGG}").read_bytes())
        except convert.CannotConvert as error:
            click.echo(f"{name}: {error}", err=True)
            continue
        voices.keep(house.settings, sound, voices.M4A, name)
        made += 1
    return made


def _recording(session: Session, number: int) -> Recording:
    recording = session.get(Recording, number)
    if recording is None:
        refuse(f"Opname {number} is er niet. Zie: stap voices list --all")
    return recording


def _staff(session: Session, email: str) -> int:
    member = session.scalars(
        select(StaffMember).where(StaffMember.email == email.strip().casefold())
    ).one_or_none()
    if member is None or not member.active:
        refuse(f"--by: {email} staat niet bij de collega's. Zie: stap staff")
    return member.id


def _language(name: str) -> Language:
    found = find(name)
    if found is None:
        refuse(f"De taal {name!r} kennen wij niet.")
    return found


def _note_down(session: Session, house: House, staff: int, action: str, number: int) -> None:
    audit.record(session, house.settings.signing_key, staff, action, f"recording:{number}")

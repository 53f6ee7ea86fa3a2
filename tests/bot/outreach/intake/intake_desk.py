"""A desk where files are brought: what tests of intake share."""

from datetime import UTC, datetime

from sqlalchemy import select

from bot.models.people import Address, Consent, Inburgeraar
from bot.outreach.intake.reading import parse
from bot.outreach.intake.report import Report
from bot.outreach.intake.storing import store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""Monday 2 November 2026, 10:00 in Amsterdam: when every file here is brought."""

PEOPLE = (
    "kenmerk;voornaam;taal;telefoon;kanaal;telegram;wijk;groep;klantmanager;toestemming\n"
    "P-1;Selam;Tigrinya;+31697000001;whatsapp;;Noord;ochtend;Anna;ja\n"
    "P-2;Omar;ar;06 97000002;sms;;Oost;avond;Anna;nee\n"
)


class Desk:
    """Brings files as a clerk does, and looks at what became of them."""

    def __init__(self, house, session):
        self.house = house
        self.session = session

    def bring(self, kind, file, name="bestand.csv") -> Report:
        """Read and store *file* (text or bytes) in batches of two rows, as a command does."""
        data = file.encode() if isinstance(file, str) else file
        sheet = parse(data, kind, name)
        report = Report(unit=sheet.unit, header=sheet.header)
        for batch in sheet.batches(size=2):
            report += store(self.session, self.house, batch)
            self.session.commit()
        self.session.expire_all()
        return report

    def all(self, noun):
        return list(self.session.scalars(select(noun).order_by(noun.id)))

    def one(self, noun, kenmerk):
        return self.session.scalars(select(noun).where(noun.kenmerk == kenmerk)).one()

    def person(self, kenmerk) -> Inburgeraar:
        return self.one(Inburgeraar, kenmerk)

    def reached_at(self, kenmerk):
        """Return channel and address of each place this person can be reached, in order."""
        return [(a.address.channel, a.address.address) for a in self.person(kenmerk).addresses]

    def address(self, channel, address) -> Address:
        return self.session.scalars(
            select(Address).where(Address.channel == channel, Address.address == address)
        ).one()

    def words(self, kenmerk):
        """Return what the log has of this person's wish to be invited, in order."""
        person = self.person(kenmerk)
        return [
            (word.given, word.channel, word.evidence)
            for word in self.all(Consent)
            if word.person_id == person.id and word.purpose == "invitation"
        ]


def refusals(report):
    """Return row, column and reason of everything that was refused."""
    return [(each.row, each.column, each.said) for _, all in report.refused for each in all]


def doubts(report):
    """Return row, column and warning, but for the numbers that are fictional on purpose."""
    return [
        (each.row, each.column, each.said)
        for each in report.warnings
        if each.said != "dit nummer lijkt niet in gebruik"
    ]

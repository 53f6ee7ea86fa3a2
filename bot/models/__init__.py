"""The nouns. Foreign keys point one way; of its siblings a module imports `people` alone.

Importing this package imports every table, which is what a migration and a fresh
database need; code imports the noun it means.
"""

from bot.models import (
    afspraken,
    ambassadeurs,
    broadcasts,
    dialogues,
    erasures,
    figures,
    installation,
    messages,
    people,
    practice,
    reports,
    staff,
    tasks,
    templates,
    ticks,
    voices,
    voortrajecten,
)

__all__ = [
    "afspraken",
    "ambassadeurs",
    "broadcasts",
    "dialogues",
    "erasures",
    "figures",
    "installation",
    "messages",
    "people",
    "practice",
    "reports",
    "staff",
    "tasks",
    "templates",
    "ticks",
    "voices",
    "voortrajecten",
]

"""What is said to staff, so that it can be said in another language than Dutch."""

from __future__ import annotations

from typing import Any


class Told(str):
    """A Dutch text that still knows its sentence, and the values that were filled in.

    It is a `str` wherever Dutch will do: on a terminal, in a row, in a file. The console looks the
    sentence up for who reads English. A value may be Told itself.
    """

    __slots__ = ("sentence", "values")

    sentence: str
    values: dict[str, Any]


def tell(sentence: str, **values: Any) -> Told:
    """Return *sentence* with its ``%(name)s`` filled in."""
    text = Told(sentence % values if values else sentence)
    text.sentence, text.values = sentence, values
    return text

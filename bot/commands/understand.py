"""`stap understand`: how the bot reads a text, for whoever wonders why it answered as it did."""

import json
from typing import Any

import click

from bot.conversation.understand import understand as read


@click.command("understand")
@click.option("--language", default="nl", show_default=True, help="De taal van wie dit schrijft.")
@click.option(
    "--asks",
    type=click.Choice(["afspraak", "voortraject", "menu"]),
    help="De vraag die openstaat.",
)
@click.argument("text")
def understand(language: str, asks: str | None, text: str) -> None:
    """Zeg als een regel JSON wat TEXT betekent, en welke regel dat bepaalde.

    Met - als TEXT leest het JSON-regels {"language": ..., "asks": ..., "text": ...} en antwoordt
    op elke regel met een regel; wat een regel weglaat, komt uit de opties.
    """
    if text != "-":
        click.echo(_answer(text, language, asks))
        return
    for number, line in enumerate(click.open_file("-", encoding="utf-8"), start=1):
        if line.strip():
            said = _said(line, number)
            click.echo(
                _answer(said["text"], said.get("language") or language, said.get("asks", asks))
            )


def _said(line: str, number: int) -> dict[str, Any]:
    """Parse one line of input; its words are not repeated in the error, they may be a person's."""
    try:
        said: Any = json.loads(line)
    except ValueError:
        said = None
    fits = isinstance(said, dict) and isinstance(said.get("text"), str)
    if not fits or not all(
        isinstance(said.get(key, ""), str | None) for key in ("language", "asks")
    ):
        raise click.UsageError(
            f'Regel {number} is geen JSON-object zoals {{"language": "nl", "text": "ja"}}.'
        )
    return dict(said)


def _answer(text: str, language: str, asks: str | None) -> str:
    meant = read(text, language=language, asks=asks)
    told: dict[str, Any] = {"intent": meant.intent, "why": meant.why}
    for name in ("language", "code", "number"):
        if (value := getattr(meant, name)) is not None:
            told[name] = value
    return json.dumps(told, ensure_ascii=False)

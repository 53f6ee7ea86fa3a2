"""The command line: ``python -m bot`` or ``stap``."""

from __future__ import annotations

import importlib

import click

from bot import logs

COMMANDS = {
    # Name -> where it is. Loaded when asked for: `stap understand` needs no provider's client.
    "run": "bot.commands.serving:run",
    "work": "bot.commands.serving:work",
    "clock": "bot.commands.serving:clock",
    "migrate": "bot.commands.serving:migrate",
    "intake": "bot.commands.intake:intake",
    "invite": "bot.commands.invite:invite",
    "broadcast": "bot.commands.broadcast:broadcast",
    "link": "bot.commands.link:link",
    "list": "bot.commands.listing:list_",
    "hold": "bot.commands.hold:hold",
    "inbox": "bot.commands.inbox:inbox_",
    "templates": "bot.commands.templates:templates_",
    "content": "bot.commands.wording:content",
    "languages": "bot.commands.wording:languages_",
    "voices": "bot.commands.voices:voices_",
    "understand": "bot.commands.understand:understand",
    "purge": "bot.commands.purge:purge",
    "staff": "bot.commands.staff:staff_",
    "doctor": "bot.commands.doctor:doctor",
    "bench": "bot.commands.bench:bench",
}


class Lazily(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands, in the order of a first day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table above
        return command


@click.group(cls=Lazily, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Stap Vooruit: berichten in ieders eigen taal."""


if __name__ == "__main__":
    logs.watch()
    main(prog_name="stap")

"""What outlives the process: the whole ground in one JSON file, written whenever it changed.

The house remembers its people, messages and templates. Phones that forgot theirs on a restart
would make it send templates that no provider knows to conversations that never were.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from phones.state import Ground, GroundMemory
from phones.telegram import Telegram, TelegramMemory
from phones.twilio import Twilio, TwilioMemory

EVERY: Final = 0.5
"""Seconds between two looks at whether something changed: a crash loses no more than a second."""

log = logging.getLogger(__name__)


@dataclass
class Memory:
    """Everything that is kept. Another version is not read, but set aside."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        ser_json_bytes="base64", val_json_bytes="base64"
    )

    version: Literal[1]
    ground: GroundMemory
    twilio: TwilioMemory
    telegram: TelegramMemory


MEMORY: Final = TypeAdapter(Memory)


class Keeper:
    """Keeps the ground in *path*. Recall before anything happens, start, and close at the end."""

    def __init__(self, path: Path, ground: Ground, twilio: Twilio, telegram: Telegram) -> None:
        self.path, self.ground, self.twilio, self.telegram = path, ground, twilio, telegram
        self._saved = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def recall(self) -> None:
        """Go on where the file left off. One that cannot be read is set aside, and said."""
        try:
            memory = MEMORY.validate_json(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValidationError as error:
            self._set_aside(error.errors(include_url=False, include_input=False)[0]["msg"])
            return
        except OSError as error:
            self._set_aside(str(error))
            return
        self.ground.remember(memory.ground)
        self.twilio.remember(memory.twilio)
        self.telegram.remember(memory.telegram)

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def close(self) -> None:
        """Keep it one last time."""
        self._stop.set()
        self._thread.join()
        self._save()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self._save()

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(self.path.name + ".unreadable")
        self.path.replace(aside)
        log.warning("The phones start empty: %s is now %s: %s", self.path, aside, why)

    def _save(self) -> None:
        with self.ground.lock:
            version = self.ground.version
            if version == self._saved:
                return
            memory = Memory(1, self.ground.memory(), self.twilio.memory(), self.telegram.memory())
            kept = MEMORY.dump_json(memory)
        beside = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(kept)
            beside.replace(self.path)
        except OSError as error:
            log.warning("The phones could not be kept in %s: %s", self.path, error)
        self._saved = version

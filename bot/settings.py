"""The environment, read once into one frozen object.

Everything that is missing or wrong is said at once, in Dutch, with what to do about it:
whoever sets this up sees one list, not one error per start.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

TWILIO_API_URL = "https://api.twilio.com"
TWILIO_CONTENT_URL = "https://content.twilio.com"
TELEGRAM_API_URL = "https://api.telegram.org"

BROKERS = ("amqp", "amqps", "redis", "rediss")
"""RabbitMQ and Redis, each in the clear and over TLS."""

Environment = Literal["practice", "staging", "production"]


class SettingsError(Exception):
    """De instellingen kloppen niet; the message lists each of them on a line of its own."""


def is_loopback(url: str) -> bool:
    """Say whether *url* stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """All settings of contract.md. An empty value in the environment counts as set."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str = "sqlite:///var/stap.db"
    spool_dir: str = ""
    voice_dir: str = ""
    machine_voice: bool = False
    public_url: str = "http://127.0.0.1:8000"
    secret_key: str = ""
    environment: Environment = "practice"
    gemeente: str = ""

    twilio_account_sid: str = ""
    twilio_auth_token: Annotated[tuple[str, ...], NoDecode] = ()
    twilio_api_key_sid: str = ""
    twilio_api_key_secret: str = ""
    twilio_api_url: str = TWILIO_API_URL
    twilio_content_url: str = TWILIO_CONTENT_URL
    twilio_sms_from: str = ""
    twilio_whatsapp_from: str = ""
    twilio_messaging_service_sid: str = ""

    telegram_bot_token: str = ""
    telegram_bot_name: str = ""
    telegram_api_url: str = TELEGRAM_API_URL
    telegram_webhook_secret: str = ""

    quiet_hours: str | None = None
    engine: Literal["embedded", "celery"] = "embedded"
    broker_url: str = "amqp://guest:guest@127.0.0.1:5672//"
    broker_patience: float = 60
    pace_whatsapp: float = 80
    pace_sms: float = 10
    pace_telegram: float = 25
    allowed_recipients: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    proxies: int = 1
    metrics_token: str = ""
    metrics_from: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator(
        "twilio_auth_token", "allowed_recipients", "trusted_hosts", "metrics_from", mode="before"
    )
    @classmethod
    def _several(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url", "twilio_api_url", "twilio_content_url", "telegram_api_url")
    @classmethod
    def _bare_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("moet beginnen met http:// of https:// en een naam hebben")
        return value.rstrip("/")

    @field_validator("pace_whatsapp", "pace_sms", "pace_telegram")
    @classmethod
    def _pace(cls, value: float) -> float:
        if not 0 < value <= 1000:
            raise ValueError("moet een getal tussen 0 en 1000 zijn (berichten per seconde)")
        return value

    @field_validator("proxies")
    @classmethod
    def _proxies(cls, value: int) -> int:
        if not 0 <= value <= 5:
            raise ValueError("moet een getal van 0 tot en met 5 zijn (servers voor deze)")
        return value

    @field_validator("metrics_from")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ipaddress.ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is geen adres of netwerk, zoals 10.0.0.0/24") from None
        return value

    @field_validator("metrics_token")
    @classmethod
    def _metrics_token(cls, value: str) -> str:
        if value and len(value) < 16:
            raise ValueError("zet hier minstens 16 willekeurige tekens, of niets")
        return value

    @field_validator("broker_patience")
    @classmethod
    def _patience(cls, value: float) -> float:
        if not 1 <= value <= 60:
            raise ValueError("moet een getal van 1 tot en met 60 zijn (seconden)")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        wrong: list[str] = []
        if self.environment != "practice":
            if len(self.secret_key) < 32:
                wrong.append("SECRET_KEY: zet hier minstens 32 willekeurige tekens")
            if not self.public_url.startswith("https://"):
                wrong.append("PUBLIC_URL: buiten de oefenomgeving is https nodig")
        if self.engine == "celery" and not self.database_url.startswith("postgresql"):
            wrong.append(
                "ENGINE: celery is voor meer machines en heeft PostgreSQL nodig; zet DATABASE_URL "
                "op postgresql+psycopg://…, of haal ENGINE weg"
            )
        if self.engine == "celery" and urlsplit(self.broker_url).scheme not in BROKERS:
            wrong.append(f"BROKER_URL: moet beginnen met {', '.join(f'{b}://' for b in BROKERS)}")
        if self.twilio_account_sid and not self.twilio_auth_token:
            wrong.append(
                "TWILIO_AUTH_TOKEN: ontbreekt; zonder token is geen webhook te controleren"
            )
        if bool(self.twilio_api_key_sid) != bool(self.twilio_api_key_secret):
            wrong.append(
                "TWILIO_API_KEY_SID en TWILIO_API_KEY_SECRET: vul beide in, of geen van beide"
            )
        if (
            self.environment != "practice"
            and self.telegram_bot_token
            and not self.telegram_webhook_secret
        ):
            wrong.append("TELEGRAM_WEBHOOK_SECRET: ontbreekt; zet hier 32 willekeurige tekens")
        if "*" in self.allowed_recipients and not self.providers_are_local:
            wrong.append(
                "ALLOWED_RECIPIENTS: '*' mag alleen als elke provider op deze machine draait; "
                "noem de adressen die berichten mogen krijgen"
            )
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def practice(self) -> bool:
        """True in the practice ground: the clock can be moved, fictional people are put in."""
        return self.environment == "practice"

    @property
    def https(self) -> bool:
        """True where the world reaches us by https: outside practice always."""
        return self.public_url.startswith("https://")

    @property
    def twilio(self) -> bool:
        """True when the account is known, so that its webhooks can be verified."""
        return bool(self.twilio_account_sid and self.twilio_auth_token)

    @property
    def providers_are_local(self) -> bool:
        """True when no message can leave this machine."""
        urls = (self.twilio_api_url, self.twilio_content_url, self.telegram_api_url)
        return all(is_loopback(url) for url in urls)

    @cached_property
    def spool(self) -> Path:
        """Where is kept what the database cannot take: beside an SQLite file, else in var/."""
        return Path(self.spool_dir) if self.spool_dir else self._beside / "spool"

    @cached_property
    def voices(self) -> Path:
        """Where sounds are kept: beside an SQLite file, else in var/."""
        return Path(self.voice_dir) if self.voice_dir else self._beside / "voices"

    @property
    def _beside(self) -> Path:
        parts = urlsplit(self.database_url)
        on_file = parts.scheme.startswith("sqlite") and parts.path not in ("", "/", "/:memory:")
        return Path(parts.path[1:]).parent if on_file else Path("var")

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs our own links and callbacks."""
        return (self.secret_key or "only for the practice ground").encode()

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What no log may ever hold, as it is set and as it stands in an address."""
        given = [
            self.secret_key,
            *self.twilio_auth_token,
            self.twilio_api_key_secret,
            self.telegram_bot_token,
            self.telegram_webhook_secret,
            self.metrics_token,
            *(urlsplit(url).password or "" for url in (self.database_url, self.broker_url)),
        ]
        return tuple({spelt for each in given if each for spelt in (each, quote(each, safe=""))})

    def may_reach(self, address: str) -> bool:
        """Say whether *address* may be handed to a provider: always in production.

        Elsewhere only what ALLOWED_RECIPIENTS names, exactly or by a prefix ending in ``*``:
        a test run with copied data must not reach a real person.
        """
        if self.environment == "production":
            return True
        return any(
            address.startswith(allowed[:-1]) if allowed.endswith("*") else address == allowed
            for allowed in (
                a.removeprefix("whatsapp:").removeprefix("tg:") for a in self.allowed_recipients
            )
        )


def load(env_file: Path | None = Path(".env"), **overrides: object) -> Settings:
    """Read the settings from the environment and *env_file*; the environment wins.

    Raises SettingsError naming everything that is missing or wrong.
    """
    try:
        return Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg, arg-type]  # pydantic-settings reads it
    except ValidationError as error:
        lines: list[str] = []
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"]).upper()
            text = str(fault["msg"]).removeprefix("Value error, ")
            lines.extend(f"{name}: {line}" if name else line for line in text.splitlines())
        raise SettingsError("\n".join(lines)) from error

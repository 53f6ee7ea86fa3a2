"""How gunicorn serves the house; it reads this in the folder it is started in."""

from bot import logs
from bot.settings import SettingsError, load

try:
    _settings = load()
except SettingsError as error:
    raise SystemExit(f"De instellingen kloppen niet:\n{error}") from None

logs.configure(_settings.log_level, _settings.secrets)
logs.watch()

worker_class = "gthread"
threads = 8
graceful_timeout = 25
"""Seconds that requests under way get when it is told to end."""

# Its own lines go where ours go. An access log would keep addresses and the codes of links.
logconfig_dict = {
    "root": {"level": "WARNING", "handlers": ["house"]},
    "handlers": {"house": {"()": "bot.logs.Library"}},
    "formatters": {},
    "loggers": {
        "gunicorn.error": {
            "level": _settings.log_level.upper(),
            "handlers": [],
            "propagate": True,
        },
        "gunicorn.access": {"level": "CRITICAL", "handlers": []},
    },
}
control_socket_disable = True

"""The web server of `stap run`: a thread that sends its answer is not in the way of the others."""

from __future__ import annotations

import http.client
import threading

from flask import Flask
from waitress import wasyncore

from bot.web import WebServer

PATIENCE = 60


def test_the_loop_rests_while_a_thread_sends_its_answer(monkeypatch):
    """The connection takes more all that time: the loop would look at it again and again."""
    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: "ja")
    stuck, freed, turns = threading.Event(), threading.Event(), [0]
    look, send = wasyncore.poll2, wasyncore.dispatcher.send

    def counted(*given, **more):
        turns[0] += 1
        return look(*given, **more)

    def slow_at_first(self, data, do_close=True):
        if threading.current_thread().name.startswith("waitress") and not stuck.is_set():
            stuck.set()
            assert freed.wait(PATIENCE)
        return send(self, data, do_close)

    monkeypatch.setattr(wasyncore, "poll2", counted)
    monkeypatch.setattr(wasyncore.dispatcher, "send", slow_at_first)
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    first, other = (
        http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE) for _ in range(2)
    )
    try:
        first.request("GET", "/")
        assert stuck.wait(PATIENCE)
        before = turns[0]
        for _ in range(20):
            other.request("GET", "/")
            assert b"ja" == other.getresponse().read()
        between = turns[0] - before
        freed.set()
        assert b"ja" == first.getresponse().read()
    finally:
        freed.set()
        first.close(), other.close()
        server.close()

    assert between <= 20 * 6, "a turn for each thing that happened, and a few more"

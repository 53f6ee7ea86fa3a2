"""What somebody might write one day. Each is a small patch to the shipped code, and names the law
that must catch it: laws that catch nothing prove nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

Undo = Callable[[], None]


class Outdated(AssertionError):
    """The lines that a mistake changes are written otherwise now: bring the mistake up to date."""


@dataclass(frozen=True)
class Edit:
    """A change to one file: *ours* stands in it once and becomes *theirs*."""

    module: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Mistake:
    """One mistake, the law that must catch it, and where to look: see `where`."""

    law: str
    where: str
    """``shelf`` or ``desk``, and words of the cases to play there; or the name of a scene."""
    edits: tuple[Edit, ...]


@contextmanager
def made(mistake: Mistake) -> Iterator[None]:
    """Let the shipped code have *mistake* in it, wherever it is used, as long as this lasts."""
    undo: list[Undo] = []
    try:
        for module in {edit.module: None for edit in mistake.edits}:
            for each in _make(module, [edit for edit in mistake.edits if edit.module == module]):
                undo.append(each)
        yield
    finally:
        for each in reversed(undo):
            each()


def _make(name: str, edits: list[Edit]) -> Iterator[Undo]:
    """Change one module; give what undoes each part of it."""
    module = import_module(name)
    path = Path(module.__file__ or "")
    source = path.read_text(encoding="utf-8")
    parts: dict[str, None] = {}
    for edit in edits:
        if source.count(edit.ours) != 1:
            raise Outdated(f"{name} has {source.count(edit.ours)} times: {edit.ours}")
        line = source[: source.index(edit.ours)].count("\n") + 1
        source = source.replace(edit.ours, edit.theirs)
        parts[_around(ast.parse(source), line)[0]] = None
    yield from put_in(module, ast.parse(source), parts)


def put_in(module: ModuleType, tree: ast.Module, parts: Iterable[str]) -> Iterator[Undo]:
    """Let *module* have these *parts* of *tree*; give what undoes each of them."""
    path = module.__file__ or ""
    code = compile(tree, path, "exec")
    for part in parts:
        node = next(node for name, node in parts_of(tree) if name == part)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _swap(_function(module, part), _code(code, part))
        else:
            scratch = dict(vars(module))
            exec(compile(ast.Module([node], []), path, "exec"), scratch)
            yield _rename(part, getattr(module, part), scratch[part])


def parts_of(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Give every function, and every statement that gives a name of the module its value."""
    todo: list[tuple[str, ast.stmt]] = [("", node) for node in tree.body]
    while todo:
        within, node = todo.pop()
        if isinstance(node, ast.ClassDef):
            todo += [(f"{within}{node.name}.", inner) for inner in node.body]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield within + node.targets[0].id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield within + node.target.id, node


def _around(tree: ast.Module, line: int) -> tuple[str, ast.stmt]:
    for name, node in parts_of(tree):
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            return name, node
    raise Outdated(f"line {line} stands in no function and gives no name a value")


def _function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    return getattr(found, "__wrapped__", found)


def _code(code: CodeType, name: str) -> CodeType:
    found = [each for each in code.co_consts if isinstance(each, CodeType)]
    while found:
        each = found.pop()
        if each.co_qualname == name:
            return each
        found += [inner for inner in each.co_consts if isinstance(inner, CodeType)]
    raise Outdated(name)


def _swap(function: FunctionType, code: CodeType) -> Callable[[], None]:
    """Give *function* another body: whoever holds it, under whatever name, gets that."""
    ours, function.__code__ = function.__code__, code

    def undo() -> None:
        function.__code__ = ours

    return undo


def _rename(name: str, ours: Any, theirs: Any) -> Callable[[], None]:
    if isinstance(ours, dict):
        kept = dict(ours)
        ours.clear()
        ours.update(theirs)

        def restore() -> None:
            ours.clear()
            ours.update(kept)

        return restore
    holders = [
        module
        for at, module in list(sys.modules.items())
        if at.split(".")[0] in ("bot", "webhooks", "app") and vars(module).get(name) is ours
    ]
    for module in holders:
        setattr(module, name, theirs)

    def undo() -> None:
        for module in holders:
            setattr(module, name, ours)

    return undo


STEPS, DELIVERY = "bot.messaging.steps", "bot.messaging.delivery"
RECONCILE, CONSENT = "bot.messaging.reconcile", "bot.privacy.consent"


def _one(law: str, where: str, module: str, ours: str, theirs: str) -> Mistake:
    return Mistake(law, where, (Edit(module, ours, theirs),))


_DUE_ANEW = Edit(
    DELIVERY,
    'MESSAGES.select.where(_due(bindparam("priority")))',
    'MESSAGES.select.where(*[_due(bindparam("priority"))])',
)
"""Says the same: so that the statement is put together again, with the mistake in its parts."""


MISTAKES: dict[str, Mistake] = {
    # ------------------------------------------------------- the ten classic ones
    "no claim": Mistake(
        "I1",
        "shelf rival",
        (
            Edit(STEPS, 'message.become("claimed", at)\n    message.epoch += 1', "pass"),
            Edit(
                STEPS,
                'return message.state == "claimed" and message.epoch == epoch',
                "return True",
            ),
            Edit(STEPS, 'message.become("sending", at)', 'message.state = "sending"'),
        ),
    ),
    "records only after the call": _one(
        "I3",
        "desk",
        DELIVERY,
        "session.connection().execute(NEW_ATTEMPT, attempts)",
        "pass",
    ),
    "the reaper sends again what was being sent": _one(
        "I1",
        "shelf reap",
        STEPS,
        'if message.state == "claimed":\n        message.become("planned", at)',
        'if True:\n        message.become("planned", at)',
    ),
    "a timeout is tried again": _one(
        "I1",
        "shelf answer lost",
        STEPS,
        "if outcome.certainty is Certainty.NOT_SENT:",
        "if outcome.certainty is not Certainty.REJECTED:",
    ),
    "gates are checked when it is claimed, and not before the call": _one(
        "I4",
        "desk stop",
        DELIVERY,
        "held = _gate(known, house, message, address)",
        "held = None",
    ),
    "calls however long ago it looked": _one(
        "I4",
        "shelf stop",
        DELIVERY,
        "return Pace.clock() - self.checked <= GAP.total_seconds()",
        "return True",
    ),
    "a late record is not fenced": _one(
        "I7",
        "shelf told",
        STEPS,
        " and attempt.outcome in (None, Certainty.UNKNOWN.value)",
        "",
    ),
    "a late receipt takes it down again": _one(
        "I7",
        "shelf told",
        STEPS,
        "if state not in TRANSITIONS[message.state]:\n        return False\n"
        "    message.become(state, at)",
        "message.state = state",
    ),
    "waits for a receipt for ever": _one(
        "I19",
        "shelf",
        RECONCILE,
        "NO_RECEIPT = timedelta(hours=72)",
        "NO_RECEIPT = timedelta(days=3650)",
    ),
    "one look at a list that runs behind is enough": _one(
        "I2",
        "shelf lagging",
        STEPS,
        "        attempt.missed_at = at\n        return Verdict.OPEN",
        "        return Verdict.NOT_SENT",
    ),
    # ------------------------------------------------------- gates
    "STOP is forgotten": _one(
        "I4",
        "shelf stop",
        DELIVERY,
        "if address.stopped_at is not None and not _last_word(message):",
        "if False:",
    ),
    "quiet hours are forgotten": _one(
        "I5",
        "shelf night",
        DELIVERY,
        "if message.in_reply_to is None and known.opens is not None:",
        "if False:",
    ),
    "summer and winter time are forgotten": _one(
        "I5",
        "nights when the clock changes",
        "bot.moments",
        "wall = local(moment)\n        return wall.weekday()",
        "wall = moment + timedelta(hours=1)\n        return wall.weekday()",
    ),
    "the end is forgotten": _one(
        "I6",
        "shelf 97200",
        DELIVERY,
        "if known.now + LEAST_VALIDITY >= message.expires_at:",
        "if False:",
    ),
    "the provider may keep trying past the end": _one(
        "I6",
        "shelf night",
        DELIVERY,
        "    until = message.expires_at\n    if",
        "    until = known.now + LONGEST_VALIDITY\n    if",
    ),
    "the provider may keep it into the night": _one(
        "I5", "shelf", DELIVERY, "until = min(until, known.rest)", "pass"
    ),
    "a yes is not asked for": _one(
        "I8",
        "shelf no",
        DELIVERY,
        "if person is None or not known.may_invite(person, address.channel):",
        "if False:",
    ),
    "an old yes counts for more than a new no": _one(
        "I8", "desk no", CONSENT, ".order_by(Consent.id)", ".order_by(Consent.id.desc())"
    ),
    "the afspraak moved, and it is reminded of all the same": _one(
        "I9",
        "shelf move",
        DELIVERY,
        "if version != message.version:",
        "if version is None:",
    ),
    "a broadcast goes on after its stop": _one(
        "I9", "shelf halt", DELIVERY, "if broadcast.state not in RUNNING:", "if False:"
    ),
    "a broadcast goes out as it was never approved": _one(
        "I10",
        "shelf edit",
        DELIVERY,
        'return None if approval.holds(session, house, broadcast) else "not_approved"',
        "return None",
    ),
    # ------------------------------------------------------- what is recorded
    "what nobody knows is recorded as not sent": _one(
        "I2",
        "shelf answer lost",
        STEPS,
        "attempt.outcome = outcome.certainty.value",
        'attempt.outcome = "not_sent"',
    ),
    "what the dead handed over is recorded as not sent": _one(
        "I2",
        "shelf reap",
        STEPS,
        'attempt.outcome, attempt.detail = "unknown", "lease expired"',
        'attempt.outcome, attempt.detail = "not_sent", "lease expired"',
    ),
    "anybody's report is believed": _one(
        "I2",
        "shelf foreign",
        STEPS,
        "if attempt.provider_ref not in (None, change.ref):",
        "if False:",
    ),
    "its own clock is always right": _one(
        "I1",
        "shelf back",
        STEPS,
        "AROUND = timedelta(hours=26)",
        "AROUND = timedelta(hours=1)",
    ),
    "of two that fit it takes the first": _one(
        "I2",
        "the same words twice",
        STEPS,
        "if len(found.fitting) == 1 and rivals < found.alike:",
        "if found.fitting:",
    ),
    # ------------------------------------------------------- leases
    "what was claimed by the dead is never freed": _one(
        "I19",
        "desk reap",
        DELIVERY,
        ".where(Message.state.in_((CLAIMED, SENDING)), Message.lease_until < now)",
        '.where(Message.state == "sending", Message.lease_until < now)',
    ),
    "a call of the dead is for ever under way": _one(
        "I19",
        "desk reap",
        DELIVERY,
        ".where(Message.state.in_((CLAIMED, SENDING)), Message.lease_until < now)",
        '.where(Message.state == "claimed", Message.lease_until < now)',
    ),
    "leases run on the clock of the wall": _one(
        "I19",
        "desk back",
        DELIVERY,
        "now = clock(session)\n    left = session",
        "now = moments.now()\n    left = session",
    ),
    # ------------------------------------------------------- who else may get it
    "what may have arrived is sent elsewhere as well": Mistake(
        "I1",
        "desk answer lost reminder",
        (
            Edit(
                STEPS,
                'advance(message, "unknown", at)\n        return False',
                'advance(message, "unknown", at)\n        return True',
            ),
            Edit(
                RECONCILE,
                'return message.state in ("failed", "undelivered") and not stopped',
                "return not stopped",
            ),
        ),
    ),
    "an invitation that may have arrived is said again": Mistake(
        "I1",
        "desk answer lost broadcast",
        (
            Edit(RECONCILE, 'Message.purpose == "public task",', 'Message.purpose != "answer",'),
            Edit(
                RECONCILE,
                "Message.broadcast_id.is_(None),\n                _unknown_since",
                "_unknown_since",
            ),
        ),
    ),
    # ------------------------------------------------------- locks
    "STOP is not waited for": _one(
        "I4",
        "stop comes first",
        DELIVERY,
        "FREE_ADDRESSES = ADDRESSES.select.where(Address.id.in_(IDS)).with_for_update(\n"
        "    skip_locked=True, key_share=True\n)",
        "FREE_ADDRESSES = ADDRESSES.select.where(Address.id.in_(IDS))",
    ),
    # ------------------------------------------------------- order
    "the next one overtakes what comes back": Mistake(
        "I20", "two for one address", (Edit(DELIVERY, "        ~comes_back,\n", ""), _DUE_ANEW)
    ),
    "two are under way to one address": Mistake(
        "I20", "two for one address", (Edit(DELIVERY, "        ~under_way,\n", ""), _DUE_ANEW)
    ),
    # ------------------------------------------------------- several at once
    "of a batch all are recorded as the first": _one(
        "I2",
        "one batch and several outcomes",
        DELIVERY,
        "yield message, attempt, outcome",
        "yield message, attempt, outcomes[0][1]",
    ),
    "a channel that is ill is tried again and again": _one(
        "I21",
        "a channel that is ill",
        "bot.messaging.breaker",
        "if sender.failures >= RUN:",
        "if False:",
    ),
    "a pace that was held up makes up for all of it": _one(
        "I11",
        "a loop that stood still",
        "bot.messaging.pace",
        "return self.given[-before] + 1 + GUARD if len(self.given) >= before else -math.inf",
        "return -math.inf",
    ),
    "nobody waits to see how the first went": _one(
        "I11",
        "the first of a broadcast",
        "bot.outreach.broadcasts",
        "broadcast.hold_until = moments.now() + timedelta(minutes=broadcast.hold_minutes)",
        "broadcast.hold_until = moments.now()",
    ),
    "what nobody knows of fills no cap": _one(
        "I11",
        "more than one person can bear",
        "bot.messaging.caps",
        'or_(Attempt.outcome.is_(None), Attempt.outcome.in_(("accepted", "unknown"))),',
        'Attempt.outcome == "rejected",',
    ),
    "somebody else has that number now": _one(
        "I12",
        "shelf gone",
        DELIVERY,
        "theirs = (message.person_id, address.id) in known.people",
        "theirs = True",
    ),
    "an answer goes wherever the question came from": _one(
        "I12",
        "shelf gone answer",
        DELIVERY,
        "message.in_reply_to is not None and message.person_id is None\n    if not (",
        "message.in_reply_to is not None\n    if not (",
    ),
    "of two with the same words the clock tells which is which": _one(
        "I2",
        "the clock is set between the same words",
        RECONCILE,
        "apart = 2 * AROUND",
        "apart = BEFORE + AFTER",
    ),
    # ------------------------------------------------------- what comes in
    "thanks for what it could not keep": _one(
        "I13",
        "a door while the database is away",
        "webhooks.keeper",
        "        self.spool.keep(arrival)\n        self._heal()",
        "        pass",
    ),
}

"""A process that has loaded everything, and forks others that work in it: a new one in no time.

It has no threads of its own. It is told through a pipe what to fork and how; a child that is
killed costs nothing but itself.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any

Job = Callable[..., None]

_C, _DIES_WITH_PARENT = ctypes.CDLL(None), 1  # PR_SET_PDEATHSIG of prctl(2)


class Pipe:
    """Whole objects over two file descriptors."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = os.fdopen(reads, "rb"), os.fdopen(writes, "wb")

    def put(self, what: Any) -> None:
        """Send *what*."""
        packed = pickle.dumps(what)
        self._writes.write(struct.pack("<I", len(packed)) + packed)
        self._writes.flush()

    def get(self) -> Any:
        """Wait for what the other side sends. Raises EOFError if it is gone."""
        head = self._reads.read(4)
        if len(head) < 4:
            raise EOFError
        return pickle.loads(self._reads.read(struct.unpack("<I", head)[0]))


class Zygote:
    """The parent's end."""

    def __init__(self, prepare: Callable[[], Any]) -> None:
        """Fork; in the new process *prepare* makes what every child is given."""
        down, up = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(down[1])
            os.close(up[0])
            _serve(Pipe(down[0], up[1]), prepare)
        os.close(down[0])
        os.close(up[1])
        self._pipe = Pipe(up[0], down[1])

    def ready(self) -> None:
        """Wait until it is; raise RuntimeError with its own words if it never will be."""
        told = self._pipe.get()
        if told != "ready":
            raise RuntimeError(told)

    def fork(self, job: Job, *given: Any) -> int:
        """Let a new process do *job*, a function of a module; return its number."""
        self._pipe.put(("fork", job, given))
        return int(self._pipe.get())

    def wait(self, pid: int) -> int:
        """Wait until *pid* ends; return its exit code, or minus the signal that killed it."""
        self._pipe.put(("wait", pid, ()))
        return int(self._pipe.get())

    def close(self) -> None:
        """End it."""
        self._pipe.put(("end", None, ()))
        os.waitpid(self.pid, 0)


def _serve(pipe: Pipe, prepare: Callable[[], Any]) -> None:
    try:
        made = prepare()
        gc.collect()
        gc.freeze()  # what is here already is not looked through again in every child
        pipe.put("ready")
        while True:
            what, of, given = pipe.get()
            if what == "end":
                os._exit(0)
            if what == "wait":
                _, status = os.waitpid(of, 0)
                pipe.put(os.waitstatus_to_exitcode(status))
                continue
            sys.stderr.flush()
            pid = os.fork()
            if pid == 0:
                _child(of, made, given)
            pipe.put(pid)
    except EOFError:
        os._exit(0)
    except BaseException:
        pipe.put(traceback.format_exc())
        os._exit(1)


def _child(job: Job, made: Any, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _C.prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    code = 1
    try:
        job(made, *given)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)

"""Child processes that end when they should: each in a group of its own, logged, stopped with all it started.

Knows nothing about what it runs.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time

from .places import HOME


class Failed(Exception):
    """Something that the stack needs did not work; the message says what, and where to look."""


def free_port():
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(name, command, ready, *, seconds=30, cwd=None, environment=None):
    """Starts a command in a group of its own and waits until `ready()`. Returns the group's id."""
    log = HOME / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Another stack may still be writing to the file of this name: that one keeps it, without a name.
    log.unlink(missing_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(name, child, ready, log, seconds)
    except BaseException:
        stop(child.pid)
        raise
    return child.pid


def _wait(name, child, ready, log, seconds):
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None:
            raise Failed(f"{name} ended with code {child.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise Failed(f"{name} is not ready after {seconds} s, see {log}")
        time.sleep(0.05)


def _tail(log, lines=15):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def stop(group, *, seconds=5):
    """Ends a process group, if need be by force. One that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(group, os.WNOHANG)
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)


def command(pid):
    """The command line of a process, empty if there is none: tells our process from a later one of the same id."""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()


@contextlib.contextmanager
def interruptible():
    """Lets SIGTERM and SIGHUP unwind like Ctrl-C does, so that children are stopped then too."""

    def unwind(*_):
        raise KeyboardInterrupt

    before = {number: signal.signal(number, unwind) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

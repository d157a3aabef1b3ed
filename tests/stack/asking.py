"""Clients that ask the edge on and on while something is changed behind it."""

import contextlib
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import key_sync
from .gateway import Answer, Request


@dataclass(frozen=True)
class Sent:
    what: str
    """Which of the requests."""
    at: float
    answered: float
    answer: Answer

    @property
    def status(self):
        return self.answer.status


@contextlib.contextmanager
def asking(stack, requests, *, clients=1, pause=0.0):
    """Clients that send these requests, given by name, in turn; gives the list that what they have sent is added to."""
    seen, over = [], threading.Event()

    def client():
        for what, request in itertools.cycle(requests.items()):
            at = time.monotonic()
            answer = stack.edge.send(request)
            seen.append(Sent(what, at, time.monotonic(), answer))
            if over.wait(pause):
                return

    with ThreadPoolExecutor(clients) as threads:
        sending = [threads.submit(client) for _ in range(clients)]
        try:
            yield seen
        finally:
            over.set()
        for each in sending:
            each.result()


def get(target, key=None):
    return Request("GET", target, {} if key is None else {"x-api-key": key})


def until_more(seen, number):
    """Waits until so many more were sent."""
    wanted = len(seen) + number
    key_sync.until(lambda: len(seen) >= wanted, 30, "requests go through the edge")

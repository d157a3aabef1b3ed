"""A route is moved from one back end to another in the table while requests flow: what is dropped, what is misrouted.

Every answer says which back end gave it. Requests on another route, which stays where it is, are sent in between.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import forwarder, key_sync
from . import stack as stacks

CLIENTS = 2
BOUND = 31
"""Seconds after which every forwarder must know: 30, and one for the clocks."""
BEFORE, AFTER, STAYING = "north", "south", "south"
"""Back ends of the route that is moved, and of the one that is not."""


@dataclass(frozen=True)
class Sent:
    path: str
    sent: float
    answered: float
    status: int
    backend: str | None


@dataclass(frozen=True)
class Move:
    first: float
    """Seconds from the write until the first answer of the new back end."""
    last: float
    """Seconds from the write until the last request that the old one answered was sent."""
    requests: dict[str, int]
    """How many were sent before the write, until it was known everywhere, and after that."""
    dropped: int
    misrouted: int

    @property
    def holds(self):
        sent_enough = all(self.requests.values())
        return sent_enough and self.last <= BOUND and self.dropped == self.misrouted == 0


def move_under_traffic(stack):
    """Moves the route, once it is in effect where it is, and counts until everything is on the other side."""
    real = stack.outputs[stacks.SYNCED]
    key_sync.until(lambda: _ask(stack, "staying").backend == STAYING, BOUND, "the routes at the forwarder")
    seen, over = [], threading.Event()

    def client():
        while not over.is_set():
            seen.extend(_ask(stack, path) for path in ("moving", "staying"))

    with ThreadPoolExecutor(CLIENTS) as clients:
        sent = [clients.submit(client) for _ in range(CLIENTS)]
        try:
            key_sync.until(lambda: len(seen) >= 4 * CLIENTS, BOUND, "requests before the move")
            written = forwarder.move_route(stack.port, real, "moving", AFTER)
            time.sleep(BOUND + 3)
        finally:
            over.set()
        for each in sent:
            each.result()
    return count(seen, written)


def count(seen, written):
    """What became of the requests around a write at `written`."""
    answered = [each for each in seen if each.status == 200]
    moving = [each for each in answered if each.path == "moving"]
    new = [each for each in moving if each.backend == AFTER]
    old = [each for each in moving if each.backend == BEFORE]
    last = max([written, *(each.sent for each in old)])
    too_early = [each for each in new if each.answered < written]
    too_late = [each for each in old if each.sent > written + BOUND]
    elsewhere = [each for each in moving if each.backend not in (BEFORE, AFTER)]
    strayed = [each for each in answered if each.path == "staying" and each.backend != STAYING]
    return Move(
        first=min((each.answered for each in new), default=float("inf")) - written,
        last=last - written,
        requests={
            "before": sum(each.sent < written for each in seen),
            "meanwhile": sum(written <= each.sent <= last for each in seen),
            "after": sum(each.sent > last for each in seen),
        },
        dropped=len(seen) - len(answered),
        misrouted=sum(map(len, (too_early, too_late, elsewhere, strayed))),
    )


def _ask(stack, path):
    sent = time.monotonic()
    answer = stack.edge.ask(f"/items/{path}", stack.keys["good"])
    backend = json.loads(answer.body)["backend"] if answer.status == 200 else None
    return Sent(path, sent, time.monotonic(), answer.status, backend)


def tell(move):
    print(f"""
  A route moved from the back end "{BEFORE}" to "{AFTER}" in the table, with {CLIENTS} clients sending all the while
    first answer of the new back end    {move.first:.1f} s after the write
    last request to the old one         {move.last:.1f} s after it, {BOUND} at most
    requests                            {", ".join(f"{number} {when}" for when, number in move.requests.items())}
    dropped                             {move.dropped}
    misrouted                           {move.misrouted}""")

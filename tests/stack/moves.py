"""A route is moved from one back end to another in the table while requests flow: what is dropped, what is misrouted.

Every answer says which back end gave it. Requests on another route, which stays where it is, are sent in between.
"""

import json
import time
from dataclasses import dataclass

from . import key_sync, routes
from . import stack as stacks
from .asking import asking, get, until_more
from .routes import AT_THE_FORWARDER

CLIENTS = 2
BEFORE, AFTER, STAYING = "north", "south", "south"
"""Back ends of the route that is moved, and of the one that is not."""


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
        return sent_enough and self.last <= AT_THE_FORWARDER and self.dropped == self.misrouted == 0


def awaken(stack):
    """Waits until the forwarder goes by the routes: it may remember that there were none."""
    request = _request(stack, "staying")
    key_sync.until(
        lambda: _backend(stack.edge.send(request)) == STAYING, AT_THE_FORWARDER, "the forwarder's routes", pause=0.5
    )


def move_under_traffic(stack):
    """Moves the route, and counts until everything is on the other side."""
    real = stack.outputs[stacks.SYNCED]
    requests = {name: _request(stack, name) for name in ("moving", "staying")}
    with asking(stack, requests, clients=CLIENTS) as seen:
        until_more(seen, 4 * CLIENTS)
        written = routes.change(stack.port, real, "moving", backend=AFTER)
        time.sleep(AT_THE_FORWARDER + 3)
    return count(seen, written)


def _request(stack, name):
    return get(f"/items/{name}", stack.keys["good"])


def _backend(answer):
    """Who gave it; None: no back end did."""
    return json.loads(answer.body)["backend"] if answer.status == 200 else None


def count(seen, written):
    """What became of the requests around a write at `written`."""
    answered = [each for each in seen if each.status == 200]
    moving = [each for each in answered if each.what == "moving"]
    new = [each for each in moving if _backend(each.answer) == AFTER]
    old = [each for each in moving if _backend(each.answer) == BEFORE]
    last = max([written, *(each.at for each in old)])
    too_early = [each for each in new if each.answered < written]
    too_late = [each for each in old if each.at > written + AT_THE_FORWARDER]
    elsewhere = [each for each in moving if _backend(each.answer) not in (BEFORE, AFTER)]
    strayed = [each for each in answered if each.what == "staying" and _backend(each.answer) != STAYING]
    return Move(
        first=min((each.answered for each in new), default=float("inf")) - written,
        last=last - written,
        requests={
            "before": sum(each.at < written for each in seen),
            "meanwhile": sum(written <= each.at <= last for each in seen),
            "after": sum(each.at > last for each in seen),
        },
        dropped=len(seen) - len(answered),
        misrouted=sum(map(len, (too_early, too_late, elsewhere, strayed))),
    )


def tell(move):
    print(f"""
  A route moved from the back end "{BEFORE}" to "{AFTER}" in the table, with {CLIENTS} clients sending all the while
    first answer of the new back end    {move.first:.1f} s after the write
    last request to the old one         {move.last:.1f} s after it, {AT_THE_FORWARDER} at most
    requests                            {", ".join(f"{number} {when}" for when, number in move.requests.items())}
    dropped                             {move.dropped}
    misrouted                           {move.misrouted}""")

"""What goes on in a deployment while clients send: a rotation, and changes of keys and of routes in the table."""

import collections
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import key_sync, keys, modes, moves, tiers
from . import stack as stacks
from .asking import asking, get, until_more

CLIENTS = 4
ROTATION = 60
"""Seconds that a rotation may take; 15 of them it waits, so that every authorizer knows the new key."""


@dataclass(frozen=True)
class Rotation:
    seconds: float
    before: str
    after: str
    """VersionIds of the keys."""
    answers: dict[int, int]
    """How many requests were answered with each status, from before the rotation until after it."""

    @property
    def holds(self):
        return set(self.answers) == {200}


@dataclass(frozen=True)
class Changes:
    """In the table."""

    keys: list[keys.Change]
    move: moves.Move
    limited: tiers.Limited
    migration: modes.Migration

    @property
    def holds(self):
        return all(each.holds for each in (*self.keys, self.move, self.limited, self.migration))


def awaken(stack):
    """Waits until the edge signs with the current key, and all know the routes.

    The first push of a key takes until every authorizer may know it.
    """
    real = stack.outputs[stacks.SYNCED]

    def proved():
        pushed = key_sync.job(stack.port, real, "status")["rotation"].get("pushed", {})
        return pushed.get("proved") is not None and stack.edge.published("routes") is not None

    key_sync.until(proved, ROTATION, "the first push of signing keys and routes")
    moves.awaken(stack)


def change_under_traffic(stack):
    """All of it side by side. A rotation is better over by then: with each version the Worker forgets what it knew."""
    with ThreadPoolExecutor(len(keys.KINDS) + 3) as threads:
        changes = [threads.submit(keys.change, stack, what) for what in keys.KINDS]
        move = threads.submit(moves.move_under_traffic, stack)
        limited = threads.submit(tiers.limit_under_traffic, stack)
        migration = threads.submit(modes.migrate_under_traffic, stack)
        return Changes([each.result() for each in changes], move.result(), limited.result(), migration.result())


def rotate_under_traffic(stack):
    real = stack.outputs[stacks.SYNCED]
    before = key_sync.labels(stack.port, real)["AWSCURRENT"]
    with asking(stack, {"items": get("/items", stack.keys["good"])}, clients=CLIENTS) as seen:
        until_more(seen, 2 * CLIENTS)
        after = key_sync.rotate(stack.port, real)
        seconds = key_sync.until(lambda: _is_over(stack.port, real, after), ROTATION, "the rotation's end")
        until_more(seen, 2 * CLIENTS)
    return Rotation(seconds, before, after, dict(collections.Counter(sent.status for sent in seen)))


def _is_over(port, real, version):
    labels = key_sync.labels(port, real)
    return labels["AWSCURRENT"] == version and "AWSPENDING" not in labels


def tell_rotation(rotation):
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(rotation.answers.items()))
    print(f"""
  A rotation of the signing secret, with {CLIENTS} clients sending through the edge all the while
    from key      {rotation.before}
    to key        {rotation.after}
    took          {rotation.seconds:.1f} s
    answers       {answers}""")


def tell_changes(changes):
    keys.tell(changes.keys)
    moves.tell(changes.move)
    tiers.tell(changes.limited)
    modes.tell(changes.migration)

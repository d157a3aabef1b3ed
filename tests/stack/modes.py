"""A team moves an API behind the edge: the mode of its route changes in the table, and back, while clients ask on.

What the edge made of a request is read from its own line. The report of shadow mode is of those lines alone, as the
README of the Worker has the query for CloudWatch.
"""

import collections
import time
from dataclasses import dataclass

from . import key_sync, rays, routes, seed
from . import stack as stacks
from .asking import asking, get, until_more
from .gateway import Audit
from .routes import AT_THE_EDGE

ROUTE = "migrating"
MODES = ("enforce", "shadow", "off", "enforce")
WRONG = {"unknown key": "key_unknown", "no key": "caller_missing"}
"""Callers who are to be refused, and why."""


@dataclass(frozen=True)
class Phase:
    mode: str
    """By the edge's lines."""
    after: float | None
    """Seconds from the write until it began; None: it was so from the start."""
    statuses: dict[str, set[int]]
    """By caller."""


@dataclass(frozen=True)
class Migration:
    phases: list[Phase]
    watched: collections.Counter
    """How many requests the client sent, by code, that would have been refused."""
    report: collections.Counter

    @property
    def holds(self):
        in_order = tuple(phase.mode for phase in self.phases) == MODES
        in_time = all(phase.after is not None and phase.after <= AT_THE_EDGE for phase in self.phases[1:])
        counted = {code: number for (route, code, _), number in self.report.items() if route == ROUTE}
        return in_order and in_time and all(map(_as_meant, self.phases)) and counted == self.watched != {}


def _as_meant(phase):
    stranger = 401 if phase.mode == "enforce" else 200
    return phase.statuses == {"good key": {200}} | {who: {stranger} for who in WRONG}


def migrate_under_traffic(stack):
    real, written = stack.outputs[stacks.SYNCED], []
    callers = {"unknown key": seed.raw_key(), "no key": None, "good key": stack.keys["good"]}
    requests = {caller: get("/old/items", key) for caller, key in callers.items()}
    with asking(stack, requests, pause=0.15) as seen:
        until_more(seen, 10)
        for mode in MODES[1:]:
            written.append(routes.change(stack.port, real, ROUTE, mode=mode))
            if mode == "off":
                # No client can tell it from shadow.
                time.sleep(AT_THE_EDGE)
            else:
                expected = 401 if mode == "enforce" else 200
                key_sync.until(lambda status=expected: _answered(seen, status, written[-1]), AT_THE_EDGE, mode)
            until_more(seen, 10)
    traces = rays.gather(stack.port, real, [sent.answer.headers["cf-ray"] for sent in seen])
    lines = [traces[sent.answer.headers["cf-ray"]].edge for sent in seen]
    shadows = collections.Counter(line["shadow"] for line in lines if "shadow" in line)
    return Migration(_phases(seen, lines, written), shadows, report(stack))


def _answered(seen, status, since):
    """Whether the last of those who are to be refused were answered so."""
    statuses = [sent.status for sent in seen if sent.at > since and sent.what in WRONG]
    return set(statuses[-2:]) == {status}


def _phases(seen, lines, written):
    """Cuts what was sent where the lines show that another mode has begun."""
    parts = []
    for sent, line in zip(seen, lines, strict=True):
        mode = _mode(line) if sent.what in WRONG else None
        if not parts or mode not in (None, parts[-1][0]):
            parts.append((mode, []))
        parts[-1][1].append(sent)
    begun = dict(enumerate(written, 1))
    return [
        Phase(mode, sent[0].at - begun[at] if at in begun else None, _statuses(sent))
        for at, (mode, sent) in enumerate(parts)
    ]


def _mode(line):
    """What the line of somebody who is to be refused shows of the route's mode."""
    return "enforce" if line["outcome"] == "refuse" else "shadow" if "shadow" in line else "off"


def _statuses(sent):
    found = collections.defaultdict(set)
    for each in sent:
        found[each.what].add(each.status)
    return dict(found)


def report(stack):
    """What shadow mode has let through: how many requests, by route, code and key."""
    lines = rays.edge_lines(Audit(stack.port), stack.outputs[stacks.SYNCED])
    watched = (line for line in lines if "shadow" in line)
    return collections.Counter((line["table_route"], line["shadow"], line.get("key_id", "-")) for line in watched)


SAID = {
    "enforce": "refused",
    "shadow": "let through, with a line that says why not",
    "off": "let through, not judged",
}


def tell(migration):
    print("""
  The mode of a route changed in the table, and back; the API behind it is no gateway, and a client asks on
    mode       in effect after   good key  unknown key  no key""")
    for phase in migration.phases:
        after = "" if phase.after is None else f"{phase.after:.1f} s"
        good, unknown, none = (",".join(map(str, phase.statuses.get(who, ()))) for who in ("good key", *WRONG))
        print(f"    {phase.mode:11}{after:>15}   {good:10}{unknown:13}{none:8}{SAID[phase.mode]}")
    print("""
  The report of shadow mode: what would have been refused, by the edge's lines in the forwarder's log group
    route      code              key       requests""")
    for (route, code, key), number in migration.report.most_common():
        print(f"    {route:11}{code:18}{key:10}{number:8}")

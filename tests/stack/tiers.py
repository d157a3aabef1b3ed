"""A rate-limit tier is put on a route in the table, and taken off again, while a client asks on."""

import collections
import itertools
from dataclasses import dataclass

from . import edge, key_sync, routes
from . import stack as stacks
from .asking import asking, get, until_more
from .routes import AT_THE_EDGE

LIMIT, PERIOD = edge.TIERS[edge.TIER]["limit"], edge.TIERS[edge.TIER]["period"]


@dataclass(frozen=True)
class Limited:
    first: float
    """Seconds from the write until the first 429."""
    last: float
    """Seconds from the write that took the tier off until the last one."""
    answers: dict[str, collections.Counter]
    """How many were answered with each status: before the first 429, until the last, and after that."""
    told: dict[str, str]
    """The headers of one."""

    @property
    def holds(self):
        before, limited, after = map(set, self.answers.values())
        as_meant = before == after == {200} and limited == {200, 429}
        in_time = max(self.first, self.last) <= AT_THE_EDGE
        policy = f'"{edge.TIER}";q={LIMIT};w={PERIOD}'
        is_told = self.told["retry-after"] == str(PERIOD) and self.told["ratelimit-policy"] == policy
        return as_meant and in_time and is_told


def limit_under_traffic(stack):
    real = stack.outputs[stacks.SYNCED]
    with asking(stack, {"limited": get("/items/limited", stack.keys["good"])}, pause=0.1) as seen:
        until_more(seen, 2 * LIMIT)
        put = routes.change(stack.port, real, "limited", rate_limit=edge.TIER)
        key_sync.until(lambda: _is_used_up_again(seen), AT_THE_EDGE + 2 * PERIOD, "429, also in the next period")
        off = routes.change(stack.port, real, "limited")
        key_sync.until(lambda: _is_free_again(seen, off), AT_THE_EDGE + 2 * PERIOD, "as many requests as one likes")
    refused = [sent for sent in seen if sent.status == 429]
    first, last = refused[0], refused[-1]
    return Limited(
        first=first.answered - put,
        last=max(last.at - off, 0.0),
        answers={
            "before": _statuses(seen, lambda sent: sent.at < first.at),
            "with it": _statuses(seen, lambda sent: first.at <= sent.at <= last.at),
            "after": _statuses(seen, lambda sent: sent.at > last.at),
        },
        told={name: value for name, value in first.answer.headers.items() if name.startswith(("retry", "ratelimit"))},
    )


def _is_used_up_again(seen):
    """Some were refused, some let through when the next period began, and some refused then too."""
    turns = [status for status, _ in itertools.groupby(sent.status for sent in seen)]
    return turns[:4] == [200, 429, 200, 429]


def _is_free_again(seen, since):
    """More in a row than two periods have room for."""
    later = [sent.status for sent in seen if sent.at > since][-2 * LIMIT - 1 :]
    return len(later) > 2 * LIMIT and set(later) == {200}


def _statuses(seen, which):
    return collections.Counter(sent.status for sent in seen if which(sent))


def tell(limited):
    answers = {
        when: ", ".join(f"{number} x {status}" for status, number in sorted(statuses.items()))
        for when, statuses in limited.answers.items()
    }
    print(f"""
  A tier of {LIMIT} requests in {PERIOD} s put on a route in the table, and taken off, while a client asks on
    first 429                           {limited.first:.1f} s after the write
    last 429                            {limited.last:.1f} s after it was taken off
    answers                             {"; ".join(f"{said} {when}" for when, said in answers.items())}
    a 429 says                          {"; ".join(f"{name}: {value}" for name, value in limited.told.items())}""")

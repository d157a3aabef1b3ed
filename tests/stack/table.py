"""Prints outcomes as tables."""

import os
import sys

DIRECT = {"sent": 38, "to": 19, "decision": 9, "code": 23, "status": 11, "ms": 6}
"""Columns of requests straight to the gateway, the status as expected and as it came."""
CHAIN = {"sent": 40, "edge": 21, "authorizer": 14, "forwarder": 10, "status": 11}
"""Columns of requests to the edge."""
MARKS = {True: "ok", False: "WRONG"}


def head(title, widths):
    print(f"\n  {title}\n")
    print("  " + "  ".join(name.ljust(width) for name, width in widths.items()).rstrip())
    print("  " + "  ".join("-" * width for width in widths.values()))


def row(outcome):
    """Of a request straight to the gateway."""
    seen, expected = outcome.seen, outcome.case.expected
    cells = {
        "sent": outcome.case.what,
        "to": outcome.case.api.kind,
        "decision": seen.outcome,
        "code": seen.code if seen.code != seen.outcome else "",
        "status": f"{expected.status} -> {seen.status}",
        "ms": f"{outcome.answer.milliseconds:.0f}".rjust(DIRECT["ms"]),
    }
    _print(DIRECT, cells, outcome)
    if not outcome.agrees:
        print(f"    expected {expected.outcome} {expected.code} {expected.status}; body {outcome.answer.body[:200]!r}")


def chain_row(outcome):
    """Of a request to the edge."""
    case = outcome.case
    cells = {
        "sent": case.what,
        "edge": outcome.edge,
        "authorizer": outcome.authorizer or "-",
        "forwarder": outcome.forwarder or "-",
        "status": f"{case.status} -> {outcome.answer.status}",
    }
    _print(CHAIN, cells, outcome)
    if not outcome.agrees:
        print(f"    expected {case.edge} {case.authorizer} {case.forwarder} {case.status}; {outcome.trace}")


def _print(widths, cells, outcome):
    text = "  ".join(cell.ljust(widths[name]) for name, cell in cells.items())
    print(f"  {_coloured(text, outcome)}  {MARKS[outcome.agrees]}", flush=True)


def _coloured(text, outcome):
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    if not outcome.agrees:
        return f"\033[31m{text}\033[0m"
    return f"\033[32m{text}\033[0m" if outcome.answer.status in (101, 200, 204) else text

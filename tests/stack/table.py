"""Prints outcomes as a table, a row as soon as it is known."""

import os
import sys

WIDTHS = {"sent": 38, "to": 19, "decision": 9, "code": 23, "status": 11, "ms": 6}
"""Columns, the status as expected and as it came."""
MARKS = {True: "ok", False: "WRONG"}


def head():
    print()
    print("  " + "  ".join(name.ljust(width) for name, width in WIDTHS.items()).rstrip())
    print("  " + "  ".join("-" * width for width in WIDTHS.values()))


def row(outcome):
    seen, expected = outcome.seen, outcome.case.expected
    cells = {
        "sent": outcome.case.what,
        "to": outcome.case.api.kind,
        "decision": seen.outcome,
        "code": seen.code if seen.code != seen.outcome else "",
        "status": f"{expected.status} -> {seen.status}",
        "ms": f"{outcome.answer.milliseconds:.0f}".rjust(WIDTHS["ms"]),
    }
    text = "  ".join(cell.ljust(WIDTHS[name]) for name, cell in cells.items())
    print(f"  {_coloured(text, outcome)}  {MARKS[outcome.agrees]}", flush=True)
    if not outcome.agrees:
        print(f"    expected {expected.outcome} {expected.code} {expected.status}; body {outcome.answer.body[:200]!r}")


def _coloured(text, outcome):
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    if not outcome.agrees:
        return f"\033[31m{text}\033[0m"
    return f"\033[32m{text}\033[0m" if outcome.seen.status in (101, 200, 204) else text

"""`make test`: the demo's requests, and what only the whole stack can show. Last line: 'N passed, N failed'."""

import sys
import traceback

from . import cases, chain, checks, clients, runner, stack, table


def main():
    passed = failed = 0

    def count(name, agrees):
        nonlocal passed, failed
        passed, failed = passed + agrees, failed + (not agrees)
        print(f"  {'ok   ' if agrees else 'WRONG'}  {name}", flush=True)

    with stack.running() as running:
        slow = checks.begin_slow(running)
        for outcome in runner.run(running, cases.cases(running)):
            count(f"{outcome.case.api.kind}: {outcome.case.what}", outcome.agrees)
            if not outcome.agrees:
                table.row(outcome)
        for check in [*checks.CHECKS, *slow]:
            count(_said(check), _holds(check, running))
        for outcome in chain.run(running, clients.cases(running)):
            count(f"edge: {outcome.case.what}", outcome.agrees)
            if not outcome.agrees:
                table.chain_row(outcome)
        for check in checks.LAST:
            count(_said(check), _holds(check, running))
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


def _said(check):
    return (check.__doc__ or check.__name__).splitlines()[0].rstrip(".")


def _holds(check, running):
    try:
        check(running)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return False
    return True

"""`make demo`: a stack of its own, every request, a rotation, the lives of keys. Ends with 0 only if all agree."""

from . import cases, life, runner, stack, table


def main():
    with stack.running() as running:
        table.head()
        outcomes = []
        for outcome in runner.run(running, cases.cases(running)):
            table.row(outcome)
            outcomes.append(outcome)
        life.awaken(running)
        lived = life.run(running)
    agreed = sum(outcome.agrees for outcome in outcomes)
    print(f"""
  {agreed} of {len(outcomes)} requests were decided and answered as they must be.
  Decision and code are from the authorizer's audit lines; "gateway" means that it was not asked: no identity source, a
  preflight, or an answer from the cache. Times are those of the whole round trip through the emulator.""")
    life.tell(lived)
    return 0 if outcomes and agreed == len(outcomes) and life.holds(lived) else 1

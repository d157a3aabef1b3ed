"""`make demo`: a stack of its own, every request, a rotation, lives of keys and a route. Ends with 0 if all agree."""

from . import cases, life, rays, runner, stack, table


def main():
    with stack.running() as running:
        table.head()
        outcomes = []
        for outcome in runner.run(running, cases.cases(running)):
            table.row(outcome)
            outcomes.append(outcome)
        life.awaken(running)
        lived = life.run(running)
        trace = rays.follow(running)
    agreed = sum(outcome.agrees for outcome in outcomes)
    print(f"""
  {agreed} of {len(outcomes)} requests were decided and answered as they must be.
  Decision and code are from the audit lines of the authorizer, or of the forwarder behind it where that is named;
  "gateway" means that this one was not asked: no identity source, a preflight, an answer from the cache, or a refusal
  before it. Times are those of the whole round trip through the emulator.""")
    life.tell(lived)
    rays.tell(trace)
    return 0 if outcomes and agreed == len(outcomes) and life.holds(lived) else 1

"""`make demo`: every request, straight and through the edge, then rotations and changes. Ends with 0 if all agree."""

from . import cases, chain, clients, life, rays, runner, stack, table


def main():
    with stack.running() as running:
        direct = _straight(running)
        with stack.step("first signing keys at the edge"):
            life.awaken(running)
        through = _through(running)
        with stack.step("a rotation, while clients send"):
            rotation = life.rotate_under_traffic(running)
        life.tell_rotation(rotation)
        with stack.step("\n  changes of keys, back ends, tiers and modes, while clients send"):
            changes = life.change_under_traffic(running)
    life.tell_changes(changes)
    rays.tell(through[0].trace)
    outcomes = [*direct, *through]
    agreed = sum(outcome.agrees for outcome in outcomes)
    print(f"\n  {agreed} of {len(outcomes)} requests were decided and answered as they must be.")
    return 0 if outcomes and agreed == len(outcomes) and rotation.holds and changes.holds else 1


def _straight(running):
    table.head("Straight to the gateway, past the edge: signed as the edge signs, or badly, or not", table.DIRECT)
    outcomes = []
    for outcome in runner.run(running, cases.cases(running)):
        table.row(outcome)
        outcomes.append(outcome)
    print("""
  Status: as it must be -> as it was. Decision and code are from the lines of the authorizer, or of the forwarder behind
  it where that is named; "gateway": neither was asked, because there was no identity source, or an answer in the cache,
  or a preflight. Times are those of the whole round trip, most of it the emulator's own.
""")
    return outcomes


def _through(running):
    outcomes = chain.run(running, clients.cases(running))
    table.head("Through the edge, as clients send it: what each end made of it", table.CHAIN)
    for outcome in outcomes:
        table.chain_row(outcome)
    print("""
  The code of each end's line, found by the request's ray; "-": that one was not asked. A client only learns 401 or 403,
  and the id of the line that says why.
""")
    return outcomes

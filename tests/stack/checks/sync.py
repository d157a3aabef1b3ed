"""key-sync in the whole stack: rotations, publishing, and what it does about mishaps. Some of it takes its time."""

import json
from concurrent.futures import ThreadPoolExecutor

from .. import craft, edge, key_sync, keys, life, ministack, moves, seed
from .. import stack as stacks
from ..gateway import Audit, send


def begin(stack):
    """Begins what takes its time; returns the checks of what must come of it."""
    thread = ThreadPoolExecutor(1)

    def live():
        life.awaken(stack)
        return life.rotate_under_traffic(stack), life.change_under_traffic(stack)

    lived = thread.submit(live)

    def nobody_is_refused(stack):
        """A rotation under traffic refuses nobody and fails nobody."""
        rotation, _ = lived.result()
        assert rotation.holds, (rotation, _faults(stack))
        assert rotation.answers[200] > 50, rotation

    def a_moved_route_loses_nothing(stack):
        """A route moved under traffic is in effect within 30 s, with no request dropped or misrouted."""
        _, changes = lived.result()
        moves.tell(changes.move)
        assert changes.move.holds, changes.move

    def changes_are_known_in_time(stack):
        """A key created, granted less, suspended or revoked is in KV within 5 s, and gone by within 30 s everywhere."""
        _, changes = lived.result()
        assert {change.what for change in changes.keys} == set(keys.KINDS), changes.keys
        assert all(change.holds for change in changes.keys), changes.keys

    def a_tier_is_put_on_a_route(stack):
        """A tier that a route gets in the table is in effect at the edge within seconds, 429 says when to come back."""
        _, changes = lived.result()
        assert changes.limited.holds, changes.limited

    def modes_change_and_change_back(stack):
        """A route goes from enforce to shadow to off and back by its record, and each would-be refusal is reported."""
        _, changes = lived.result()
        assert changes.migration.holds, changes.migration

    return [
        nobody_is_refused,
        changes_are_known_in_time,
        a_moved_route_loses_nothing,
        a_tier_is_put_on_a_route,
        modes_change_and_change_back,
    ]


def _faults(stack):
    """What the functions behind the edge say about requests that they could not answer."""
    real, audit = stack.outputs[stacks.SYNCED], Audit(stack.port)
    lines = [line for who in ("Authorizer", "Forwarder") for line in audit.all_lines(real[f"{who}LogGroup"])]
    return [{**line, "_aws": None} for line in lines if line["outcome"] == "fault"]


def a_rollback_of_the_worker_is_undone(stack):
    """A tick undoes a rollback of the Worker that brought an older key back."""
    real = stack.outputs[stacks.SYNCED]
    assert _active(stack) == key_sync.labels(stack.port, real)["AWSCURRENT"]
    first_with_keys = stack.edge.versions()[1]
    stack.edge.roll_back(first_with_keys)
    assert _active(stack) != key_sync.labels(stack.port, real)["AWSCURRENT"]
    key_sync.invoke(stack.port, real, {"job": "tick"})
    assert _active(stack) == key_sync.labels(stack.port, real)["AWSCURRENT"]
    assert stack.edge.ask("/items", stack.keys["good"]).status == 200


def _active(stack):
    """The key that the edge proves to sign with."""
    return key_sync.job(stack.port, stack.outputs[stacks.SYNCED], "status")["rotation"]["edge"]["active"]["keyid"]


def an_outage_of_cloudflare_is_caught_up_with(stack):
    """A key written while Cloudflare fails is published when it is back."""
    real, raw = stack.outputs[stacks.SYNCED], seed.raw_key()
    stack.edge.fail("/storage/kv/", "status 503")
    try:
        record = keys.ACTIVE | {"key_id": "id-late", "version": 1}
        seed.put(stack.port, real["KeyTableName"], f"key#{seed.key_hash(raw)}", record)
        audit = Audit(stack.port)
        key_sync.until(lambda: _failed(audit, real, "stream"), 30, "a batch that fails")
    finally:
        stack.edge.recover()
    key_sync.until(lambda: stack.edge.published(f"key:{seed.key_hash(raw)}"), 30, "the key in KV")


def an_emergency_rotation_ends_the_old_keys(stack):
    """After an emergency rotation no authorizer accepts the keys before it, and the edge signs with the new one."""
    real, api = stack.outputs[stacks.SYNCED], stack.apis["synced"]
    token = key_sync.job(stack.port, real, "rotate-emergency")["token"]
    labelled = {"AWSCURRENT": token}
    key_sync.until(lambda: key_sync.labels(stack.port, real) == labelled, life.ROTATION, "only the new key labelled")

    def with_an_old_key():
        return send(stack.port, api, craft.signed(api, key=stack.keys["good"])).status

    key_sync.until(lambda: with_an_old_key() == 403, 5, "an old key is refused")
    key_sync.until(lambda: stack.edge.ask("/items", stack.keys["good"]).status == 200, 5, "the edge is let through")
    client = ministack.client("lambda", stack.port)
    variables = client.get_function_configuration(FunctionName=real["AuthorizerArn"])["Environment"]["Variables"]
    assert {"KEYS_RETIRED_AT", "APIS", "KEY_TABLE"} <= set(variables), variables


def _failed(audit, real, job):
    lines = [json.loads(line) for line in audit.messages(real["KeySyncLogGroup"]) if line.startswith("{")]
    return any(line.get("job") == job and line.get("outcome") == "failed" for line in lines)


def table_and_edge_agree(stack):
    """A comparison of table and edge finds no drift and writes nothing, a second time at the latest."""
    real = stack.outputs[stacks.SYNCED]
    key_sync.job(stack.port, real, "reconcile")
    report = key_sync.job(stack.port, real, "reconcile")
    assert not any(report[drift] for drift in ("missing", "extra", "stale", "different", "written")), report


def ticks_come_by_themselves(stack):
    """The schedule's rule invokes key-sync with a tick, and may; so may Secrets Manager, of this account only."""
    real = stack.outputs[stacks.SYNCED]
    events = ministack.client("events", stack.port)
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if rule["ScheduleExpression"] == "rate(5 minutes)"]
    [target] = [target for rule in rules for target in events.list_targets_by_rule(Rule=rule)["Targets"]]
    assert (target["Arn"], target["Input"]) == (real["KeySyncArn"], '{"job":"tick"}'), target
    policy = ministack.client("lambda", stack.port).get_policy(FunctionName=real["KeySyncFunction"])["Policy"]
    callers = {line["Principal"]["Service"]: line["Condition"] for line in json.loads(policy)["Statement"]}
    assert set(callers) == {"events.amazonaws.com", "secretsmanager.amazonaws.com"}, callers
    assert "SourceArn" in str(callers["events.amazonaws.com"]), callers
    assert "000000000000" in str(callers["secretsmanager.amazonaws.com"]), callers


def requests_are_taken_at_their_word(stack):
    """A direct invocation with a member that key-sync does not know is refused by its name."""
    try:
        key_sync.job(stack.port, stack.outputs[stacks.SYNCED], "reconcile", **{"dry-run": True})
    except key_sync.JobFailed as failed:
        assert failed.code == "bad_input" and "dry-run" in str(failed), failed
    else:
        raise AssertionError("it was taken")


def key_sync_keeps_its_secrets(stack):
    """No signing key, API token or raw key is in any line of key-sync or in any value of KV."""
    real = stack.outputs[stacks.SYNCED]
    client = ministack.client("secretsmanager", stack.port)
    canaries = [edge.TOKEN, *stack.keys.values()]
    for version in key_sync.labels(stack.port, real).values():
        value = client.get_secret_value(SecretId=real["SigningSecretArn"], VersionId=version)["SecretString"]
        canaries.append(json.loads(value)["key"] if value.startswith("{") else value)
    assert len(canaries) > len(stack.keys) + 1, canaries
    written = Audit(stack.port).messages(real["KeySyncLogGroup"]) + [json.dumps(v) for v in stack.edge.values()]
    assert len(written) > 30, len(written)
    for message in written:
        assert not any(canary in message for canary in canaries), message

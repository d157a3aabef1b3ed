"""What comes out besides the answer: what the back end is told, what is stored, what is logged."""

import json
import time

from .. import craft, issuer, key_sync, ministack, seed
from .. import stack as stacks
from ..gateway import Audit, send


def the_back_end_is_told_who_calls(stack):
    """The back end is told principal, key, client and edge, as strings."""
    api = stack.apis["http2"]
    answer = send(stack.port, api, craft.signed(api, key=stack.keys["good"], ip="198.51.100.3"))
    told = json.loads(answer.body)["told"]
    assert told["principal"] == told["principalId"] == "customer-good", told
    assert told["key_id"] == "id-good" and told["team"] == "orders", told
    assert told["client_ip"] == "198.51.100.3" and told["client_host"] == "api.example.com", told
    assert told["edge_keyid"] == api.key.keyid and told["ray"].endswith("-LHR"), told
    assert all(isinstance(value, str) for value in told.values()), told


def nonces_are_claimed_for_as_long_as_they_count(stack):
    """Claimed nonces are in the table with a time to live, and the authorizer has written nothing else."""
    table = stack.outputs[stacks.P256]["KeyTableName"]
    items = ministack.client("dynamodb", stack.port).scan(TableName=table)["Items"]
    nonces = [item for item in items if item["pk"]["S"].startswith("nonce#")]
    assert nonces and all(time.time() < int(item["ttl"]["N"]) < time.time() + 600 for item in nonces), nonces
    kinds = {item["pk"]["S"].partition("#")[0] for item in items}
    assert kinds == {"key", "issuer", "edgekey", "nonce"}, kinds


def every_decision_is_a_line_and_a_metric(stack):
    """Every audit line is metrics too, by outcome and code only."""
    for group in {api.logs for api in stack.apis.values()}:
        lines = Audit(stack.port).all_lines(group)
        assert lines, group
        counted = "Forwards" if group.endswith("-forwarder") else "Decisions"
        for line in lines:
            [metrics] = line["_aws"]["CloudWatchMetrics"]
            assert metrics["Namespace"] == "Countersign", line
            assert {name for names in metrics["Dimensions"] for name in names} == {"outcome", "code"}, line
            assert counted in {metric["Name"] for metric in metrics["Metrics"]}, line


def no_secret_is_in_any_log(stack):
    """No raw key, hash, token, signature or secret is in any line that the functions wrote."""
    audit = Audit(stack.port)
    api = stack.apis["http1"]
    token = issuer.token(stack.issuer_port, "rs256", "items:read")
    signed = craft.signed(api, key=stack.keys["good"], token=token)
    assert send(stack.port, api, signed).status == 200
    assert send(stack.port, api, craft.plain(api, x_api_key=stack.keys["reader"])).status == 403
    canaries = [*stack.keys.values(), *map(seed.key_hash, stack.keys.values()), token, token.split(".")[2]]
    canaries += [signed.headers["signature"], api.key.secret.decode()]
    written = [message for group in {api.logs for api in stack.apis.values()} for message in audit.messages(group)]
    assert len(written) > 50, len(written)
    for message in written:
        assert not any(canary in message for canary in canaries), message


def alarms_stand_on_metrics_that_are_written(stack):
    """Every alarm of the template stands on a metric, with these dimensions, that some line has written."""
    real, audit = stack.outputs[stacks.SYNCED], Audit(stack.port)
    _fail_a_tick(stack, real)
    groups = [real[f"{function}LogGroup"] for function in ("Authorizer", "Forwarder", "KeySync")]
    lines = [json.loads(message) for group in groups for message in audit.messages(group) if '"_aws"' in message]
    written = {
        (metric["Name"], frozenset(names))
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for names in directive["Dimensions"]
    }
    alarms = ministack.client("cloudwatch", stack.port).describe_alarms()["MetricAlarms"]
    ours = {
        (alarm["MetricName"], frozenset(dimension["Name"] for dimension in alarm["Dimensions"]))
        for alarm in alarms
        if alarm["Namespace"] == "Countersign"
    }
    assert len(ours) >= 6, ours
    assert ours <= written, ours - written


def _fail_a_tick(stack, real):
    """So that what is counted of failures is counted once."""
    stack.edge.fail("/storage/kv/", "status 503")
    try:
        key_sync.invoke(stack.port, real, {"job": "tick"})
    except key_sync.JobFailed:
        pass
    else:
        raise AssertionError("a tick without Cloudflare ended well")
    finally:
        stack.edge.recover()

"""The forwarder in the whole stack: what back ends are told, which one answers, what the edge asks and logs."""

import json

from .. import craft, forwarder, ministack, seed
from .. import stack as stacks
from ..gateway import Audit, send


def back_ends_are_told_who_calls(stack):
    """Back ends are told who calls, from where and under which ray, and nothing that only proved it."""
    hostile = {"x-consumer-username": "root", "x_consumer_id": "0", "x-forwarded-for": "192.0.2.66"}
    hostile |= {"connection": "x-secret", "x-secret": "1", "x-http-method-override": "DELETE", "x-trace": "kept"}
    for name in ("forwarder", "rest_forwarder"):
        api = stack.apis[name]
        signed = craft.signed(api, "GET /items/1%20a?b=2&a=%2F", key=stack.keys["good"], add=hostile)
        answer = send(stack.port, api, signed)
        assert answer.status == 200, answer
        told = json.loads(answer.body)
        assert (told["backend"], told["method"]) == (forwarder.DEFAULT, "GET"), told
        assert told["target"] == "/items/1%20a?b=2&a=%2F", told
        headers = dict(told["headers"])
        assert len(headers) == len(told["headers"]), told
        assert headers["x-consumer-username"] == "customer-good" and headers["x-consumer-id"] == "id-good", headers
        assert headers["x-forwarded-for"] == craft.CLIENT_IP, headers
        assert headers["x-forwarded-host"] == "api.example.com" and headers["x-forwarded-proto"] == "https", headers
        assert headers["cf-ray"].endswith("-LHR") and headers["x-trace"] == "kept", headers
        withheld = [name for name in headers if name.startswith(("edge-", "signature")) or name in hostile]
        assert not set(withheld) - {"x-consumer-username", "x-forwarded-for", "x-trace"}, headers


def routes_choose_the_back_end(stack):
    """Routes of the table choose the back end: a server, a function, and none that is not listed."""
    good = stack.keys["good"]
    for path, expected in (("moved-by-nobody", forwarder.DEFAULT), ("staying", "south"), ("function", "function")):
        answer = stack.edge.ask(f"/items/{path}", good)
        assert (answer.status, json.loads(answer.body)["backend"]) == (200, expected), answer
    function = json.loads(stack.edge.ask("/items/function", good).body)
    assert function["told"]["principal"] == "customer-good", function
    headers = dict(function["headers"])
    assert headers["x-consumer-username"] == "customer-good" and "signature" not in headers, headers
    answer = stack.edge.ask("/items/nowhere", good)
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "backend_unlisted"), answer


def the_edge_signs_bodies(stack):
    """A body that a client sends through the edge reaches the back end as it was, whatever it is."""
    for body, kind in ((craft.BODY, "application/json"), (bytes(range(256)) * 40, "application/octet-stream")):
        answer = stack.edge.ask("/items", stack.keys["good"], method="POST", body=body, headers={"content-type": kind})
        told = json.loads(answer.body)
        assert answer.status == 200 and told["method"] == "POST", answer
        assert told["sha256"] == seed.hashed(body), told


def a_key_is_known_before_it_is_published(stack):
    """A key that KV does not have yet is looked up through the inside door; one that nobody has is refused."""
    real, raw = stack.outputs[stacks.SYNCED], seed.raw_key()
    stack.edge.fail("/storage/kv/", "status 503")
    try:
        record = {"status": "active", "grants": ["GET /items"], "principal": "customer-new", "key_id": "id-new"}
        seed.put(stack.port, real["KeyTableName"], f"key#{seed.key_hash(raw)}", record | {"version": 1})
        assert stack.edge.ask("/items", raw).status == 200
        assert stack.edge.published(f"key:{seed.key_hash(raw)}") is None
        assert stack.edge.ask("/items", seed.raw_key()).status == 401
    finally:
        stack.edge.recover()


def the_edges_log_is_no_metric(stack):
    """The log door writes what is a plain JSON object, counts the rest, and takes no tampered batch."""
    api = stack.apis["forwarder"]
    good, metric = '{"ray":"0000000000000001-LHR"}', '{"_aws":{"CloudWatchMetrics":[]},"Decisions":1}'
    batch = "\n".join([good, metric, "no JSON", "[1]"]).encode()

    def inside(body):
        return craft.signed(api, "POST /.countersign/logs", tag="countersign-inside", body=body)

    answer = send(stack.port, api, inside(batch))
    assert (answer.status, json.loads(answer.body)) == (200, {"written": 1, "refused": 3}), answer
    assert send(stack.port, api, craft.altered(inside(batch), batch + b"\n{}")).status == 400
    assert send(stack.port, api, inside(metric.encode())).status == 400
    written = Audit(stack.port).messages(api.logs)
    assert good in written and metric not in written and "no JSON" not in written


def nothing_is_forwarded_without_the_authorizer(stack):
    """The forwarder forwards nothing that the authorizer has not judged, and says so."""
    event = {
        "version": "2.0",
        "rawPath": "/items",
        "rawQueryString": "",
        "headers": {"x-consumer-username": "root"},
        "requestContext": {"http": {"method": "GET", "path": "/items"}, "stage": "$default", "requestId": "r"},
        "isBase64Encoded": False,
    }
    client = ministack.client("lambda", stack.port)
    function = stack.outputs[stacks.P256]["ForwarderArn"]
    answered = json.load(client.invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])
    assert (answered["statusCode"], json.loads(answered["body"])["code"]) == (500, "no_authorizer"), answered

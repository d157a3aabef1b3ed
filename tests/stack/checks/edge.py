"""The edge Worker in the whole stack: what it tells nobody, what clients cannot make it say, and its exact limits."""

import collections
import json
import os
import shlex
import subprocess

from .. import byhand, clients, craft, edge, issuer, rays, seed
from .. import stack as stacks
from ..gateway import Audit, Request, send


def clients_cannot_speak_for_the_edge(stack):
    """A client's own Edge-*, signature and identity headers reach no back end, behind a gateway or not."""
    key = {"x-api-key": stack.keys["good"], "x-trace": "kept"}
    for target, principal in (("/items", "customer-good"), ("/old/items", None)):
        answer = stack.edge.send(Request("GET", target, clients.FORGED | key))
        assert answer.status == 200, answer
        told = json.loads(answer.body)
        headers = dict(told["headers"])
        assert len(headers) == len(told["headers"]), told
        assert headers["x-trace"] == "kept" and told["method"] == "GET", told
        assert headers.get("x-consumer-username") == principal, told
        assert not set(headers) & (set(clients.FORGED) - {"x-consumer-username"}), told
        assert stack.keys["good"] not in answer.body.decode(), told


def queries_are_passed_on_without_the_key(stack):
    """A key in the query does not reach the back end, and the rest of the URL reaches it as it was written."""
    for target in ("/items/caf%C3%A9%20noir;v=1//x?b=%2B&a=&a&+=%7C", "/items/~!&'()"):
        answer = stack.edge.ask(f"{target}{'&' if '?' in target else '?'}apikey={stack.keys['good']}")
        assert answer.status == 200, (target, answer)
        assert json.loads(answer.body)["target"] == target, (target, answer.body)


def exact_limits_are_exact(stack):
    """Of a tier that Durable Objects count, as many requests pass as it has room for, and no more."""
    tier = edge.TIERS[edge.EXACT]
    answers = [stack.edge.ask("/items/exact", stack.keys["good"]) for _ in range(tier["limit"] + 4)]
    statuses = collections.Counter(answer.status for answer in answers)
    assert statuses == {200: tier["limit"], 429: 4}, statuses
    waits = [int(answer.headers["retry-after"]) for answer in answers if answer.status == 429]
    assert all(0 < wait <= tier["period"] + 2 for wait in waits), waits
    assert stack.edge.ask("/items/exact", stack.keys["wide"]).status != 429, "another's key"


def both_keep_an_address_out(stack):
    """A route keeps an address out at the edge, and behind it where a request comes from elsewhere."""
    answer = stack.edge.ask("/items/closed", stack.keys["good"])
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "forbidden"), answer
    api = stack.apis["synced"]
    answer = send(stack.port, api, craft.signed(api, "GET /items/closed", key=stack.keys["good"]))
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "address_not_allowed"), answer


def the_printed_curl_lines_work(stack):
    """What `make up` prints to try at the edge does what it says, by curl's own exit codes."""
    lines = list(byhand.edge_lines(stack.edge.edge, stack.keys))
    assert {line.status for line in lines} >= {200, 401, 403}, lines
    for line in lines:
        command = [*shlex.split(line.command), "-sS", "--fail", "-o", os.devnull, "-w", "%{http_code}"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        expected = (0, "") if line.status < 400 else (22, f"The requested URL returned error: {line.status}")
        assert run.stdout == str(line.status), (line, run)
        assert run.returncode == expected[0] and expected[1] in run.stderr, (line, run)


def the_edge_tells_nothing_secret(stack):
    """No key, hash, token or signature is in any line of the edge, and it has nothing to complain of."""
    audit, real = Audit(stack.port), stack.outputs[stacks.SYNCED]
    token = issuer.token(stack.issuer_port, "rs256", "items:read")
    sent = [
        stack.edge.ask("/items", headers={"authorization": f"Bearer {token}"}),
        stack.edge.ask(f"/items?apikey={stack.keys['good']}"),
        stack.edge.ask("/items", "mistyped-by-somebody-0123456789"),
    ]
    assert [answer.status for answer in sent] == [200, 200, 401], sent
    rays.gather(stack.port, real, [answer.headers["cf-ray"] for answer in sent])
    lines = [json.dumps(line) for line in rays.edge_lines(audit, real)]
    assert len(lines) > 100, len(lines)
    canaries = [*stack.keys.values(), *map(seed.key_hash, stack.keys.values()), *token.split("."), edge.TOKEN]
    canaries += ["mistyped-by-somebody", clients.FORGED["edge-key"]]
    for line in lines:
        assert not any(canary in line for canary in canaries), line
    assert stack.edge.said() == "", stack.edge.said()

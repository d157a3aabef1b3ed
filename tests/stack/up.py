"""`make up` and `make down`: a stack that stays, and requests to it that can be made by hand.

What `up` starts is noted in one file; `down` and `sign` read it. The keys in it open nothing but this stack.
"""

import dataclasses
import json

from . import byhand, craft, key_sync, life, processes, rays, routes, seed, stack
from .gateway import Api
from .places import HOME, PYTHON, ROOT

STATE = HOME / "up.json"
SIGN = HOME / "sign"
KEY_SYNC = HOME / "key-sync"
ROUTE = HOME / "route"
RAY = HOME / "ray"
POST = HOME / "post"
BY_HAND = {"example": "real", "rest": "real", "http1": "real", "http2": "real", "synced": "synced"}
"""APIs that `sign` can sign for, because their key is a shared secret, and whose: it is read anew each time."""


def main():
    if STATE.exists() and _ours(_state()):
        print("\n  It is up already; `make down` ends it.")
    else:
        running = stack.start()
        _note(running)
        with stack.step("first signing keys at the edge"):
            life.awaken(running)
    _tell(_state())
    return 0


def down():
    if not STATE.exists():
        print("  Nothing is up.")
        return 0
    state = _state()
    stack.stop_parts(_ours(state), state["directory"])
    for made in (STATE, SIGN, KEY_SYNC, ROUTE, RAY, POST):
        made.unlink(missing_ok=True)
    print("  Down; nothing is left of it.")
    return 0


def job(name="status", dry_run=""):
    """Prints the report of one of key-sync's jobs."""
    state = _state()
    dry = {"dry_run": True} if dry_run else {}
    try:
        print(json.dumps(key_sync.job(state["port"], state["synced"], name, **dry), indent=2))
    except key_sync.JobFailed as failed:
        print(*failed.args, sep=": ")
        return 1
    return 0


def route(name="", *members):
    """Writes a route's record as it was at the start, but for these members."""
    changes = dict(member.partition("=")[::2] for member in members)
    if name not in routes.ROUTES or not all(changes.values()):
        raise processes.Failed(f"usage: .stack/route {'|'.join(routes.ROUTES)} [MEMBER=VALUE]…")
    state = _state()
    routes.change(state["port"], state["synced"], name, **changes)
    print(
        f"  Written; the edge knows within {routes.AT_THE_EDGE} s, every forwarder within {routes.AT_THE_FORWARDER} s."
    )
    return 0


def ray(name=""):
    """Prints what each end wrote about one of the edge's requests."""
    state = _state()
    try:
        trace = rays.gather(state["port"], state["synced"], [name])[name]
    except AssertionError as error:
        raise processes.Failed(f"The edge has told of no request with the ray {name!r}.") from error
    for who, line in dataclasses.asdict(trace).items():
        told = {member: value for member, value in (line or {}).items() if member != "_aws"}
        print(f"  {who:12}{json.dumps(told) if told else 'was not asked'}")
    return 0


def sign(name="example", method="GET", path="/items", key="good"):
    """Prints a signed request as a configuration for `curl -K -`."""
    state = _state()
    if name not in state["apis"] or key not in state["keys"]:
        apis, keys = "|".join(state["apis"]), "|".join(state["keys"])
        raise processes.Failed(f"usage: .stack/sign [{apis}] [METHOD] [PATH] [{keys}]")
    signing_key = seed.signing_key(state["port"], state[BY_HAND[name]], "hmac-sha256")
    api = Api(**state["apis"][name] | {"key": signing_key})
    body = craft.BODY if method in ("POST", "PUT", "PATCH") else None
    request = craft.signed(api, f"{method} {path}", key=state["keys"][key], body=body)
    _configuration("url", f"http://{api.host}{request.target}")
    _configuration("connect-to", f"::127.0.0.1:{state['port']}")
    _configuration("request", method)
    for header, value in request.headers.items():
        _configuration("header", f"{header}: {value}")
    if body is not None:
        _configuration("data-raw", body.decode())
    return 0


def _configuration(option, value):
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    print(f'{option} = "{escaped}"')


def _state():
    if not STATE.exists():
        raise processes.Failed("Nothing is up: `make up` first.")
    return json.loads(STATE.read_text())


def _ours(state):
    """The noted process groups that still are what was started then."""
    return [pid for pid, command in state["groups"] if command and processes.command(pid) == command]


def _note(running):
    state = {
        "port": running.port,
        "groups": [(pid, processes.command(pid)) for pid in running.groups],
        "directory": running.directory,
        "apis": {name: dataclasses.asdict(running.apis[name]) | {"key": None} for name in BY_HAND},
        "keys": running.keys,
        "real": running.outputs[stack.HMAC],
        "synced": running.outputs[stack.SYNCED],
        "edge": running.edge.edge,
    }
    STATE.write_text(json.dumps(state, indent=1))
    for script, command in ((SIGN, "sign"), (KEY_SYNC, "job"), (ROUTE, "route"), (RAY, "ray")):
        script.write_text(f'#!/bin/sh\ncd "{ROOT}" && PYTHONPATH=tests exec "{PYTHON}" -m stack {command} "$@"\n')
        script.chmod(0o755)


def _tell(state):
    example, port, good, edge = state["apis"]["example"], state["port"], state["keys"]["good"], state["edge"]
    sign_it, key_sync_does, change, post, find = (
        script.relative_to(ROOT) for script in (SIGN, KEY_SYNC, ROUTE, POST, RAY)
    )
    lines = byhand.edge_lines(edge, state["keys"])
    through = "\n".join(f"    # {line.status}: {line.what}\n    {line.command}" for line in lines)
    print(f"""
  The edge is at {edge} and these are for it:
{through}
    # what each end wrote about a request
    {find} $(curl -so /dev/null -w '%header{{cf-ray}}' -H 'x-api-key: {good}' {edge}/items)

  Change a route in the table while it runs:
    # another back end; every forwarder knows within {routes.AT_THE_FORWARDER} s
    {change} moving backend=south; curl -H 'x-api-key: {good}' {edge}/items/moving
    # a limit, 429 from the sixth on; the edge knows within {routes.AT_THE_EDGE} s
    {change} limited rate_limit=bronze; sleep 12; curl -iH 'x-api-key: {good}' '{edge}/items/limited?[1-9]'
    # 200 without a key: the edge only notes that it would refuse
    {change} migrating mode=shadow; sleep 12; curl -i {edge}/old/items

  Straight to the gateway, past the edge:
    # 401: unsigned
    curl -i --connect-to ::127.0.0.1:{port} http://{example["host"]}/items
    # 200: signed as the edge signs, with a good key. 403: with a revoked one; for a path that the key does not grant
    {sign_it} | curl -i -K -
    {sign_it} example GET /items revoked | curl -i -K -
    {sign_it} example GET /admin | curl -i -K -
    # 200, then 401: a signed POST is accepted once
    {sign_it} rest POST /items > {post}; curl -i -K {post}; curl -i -K {post}
    # 400: another body than the signed one
    {sign_it} synced POST /items > {post}; sed -i s/kettle/bottle/ {post}; curl -i -K {post}

  What key-sync says of itself, and what a comparison of table and edge would do:
    {key_sync_does} status
    {key_sync_does} reconcile dry

  Keys: {", ".join(state["keys"])}.
  A signature holds for 60 s. The emulator is at http://127.0.0.1:{port}. `make down` ends it all.
""")

"""`make up` and `make down`: a stack that stays, and requests to it that can be made by hand.

What `up` starts is noted in one file; `down` and `sign` read it. The keys in it open nothing but this stack.
"""

import dataclasses
import json

from . import craft, forwarder, key_sync, moves, processes, seed, stack
from .gateway import Api
from .places import HOME, PYTHON, ROOT

STATE = HOME / "up.json"
SIGN = HOME / "sign"
KEY_SYNC = HOME / "key-sync"
ROUTE = HOME / "route"
POST = HOME / "post"
BY_HAND = {"example": "real", "rest": "real", "http1": "real", "http2": "real", "synced": "synced"}
"""APIs that `sign` can sign for, because their key is a shared secret, and whose: it is read anew each time."""


def main():
    if STATE.exists() and _ours(_state()):
        print("\n  It is up already; `make down` ends it.")
    else:
        running = stack.start()
        _note(running)
    _tell(_state())
    return 0


def down():
    if not STATE.exists():
        print("  Nothing is up.")
        return 0
    state = _state()
    stack.stop_parts(_ours(state), state["directory"])
    for made in (STATE, SIGN, KEY_SYNC, ROUTE, POST):
        made.unlink(missing_ok=True)
    print("  Down; nothing is left of it.")
    return 0


def job(name="status", dry_run=""):
    """Prints the report of one of key-sync's jobs."""
    if not STATE.exists():
        raise processes.Failed("Nothing is up: `make up` first.")
    state = _state()
    dry = {"dry_run": True} if dry_run else {}
    try:
        print(json.dumps(key_sync.job(state["port"], state["synced"], name, **dry), indent=2))
    except key_sync.JobFailed as failed:
        print(*failed.args, sep=": ")
        return 1
    return 0


def route(name="", to=""):
    """Names another back end in a route's record."""
    if not STATE.exists():
        raise processes.Failed("Nothing is up: `make up` first.")
    backends = (*forwarder.HTTP, forwarder.FUNCTION)
    if name not in forwarder.ROUTES or to not in backends:
        raise processes.Failed(f"usage: .stack/route {'|'.join(forwarder.ROUTES)} {'|'.join(backends)}")
    state = _state()
    forwarder.move_route(state["port"], state["synced"], name, to)
    print(f"  Written; every forwarder knows within {moves.BOUND} s.")
    return 0


def sign(name="example", method="GET", path="/items", key="good"):
    """Prints a signed request as a configuration for `curl -K -`."""
    if not STATE.exists():
        raise processes.Failed("Nothing is up: `make up` first.")
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
    for script, command in ((SIGN, "sign"), (KEY_SYNC, "job"), (ROUTE, "route")):
        script.write_text(f'#!/bin/sh\ncd "{ROOT}" && PYTHONPATH=tests exec "{PYTHON}" -m stack {command} "$@"\n')
        script.chmod(0o755)


def _tell(state):
    example, port, sign_it = state["apis"]["example"], state["port"], SIGN.relative_to(ROOT)
    post, good, edge = POST.relative_to(ROOT), state["keys"]["good"], state["edge"]
    print(f"""
  Without the edge's signature the gateway refuses (401):
    curl -i --connect-to ::127.0.0.1:{port} http://{example["host"]}/items

  Signed as the edge would, with an API key that is good (200), and with one that is revoked (403):
    {sign_it} | curl -i -K -
    {sign_it} example GET /items revoked | curl -i -K -

  A path that the key does not grant (403), and the same key on a REST API (200):
    {sign_it} example GET /admin | curl -i -K -
    {sign_it} rest GET /items/1 | curl -i -K -

  A signed POST is accepted once (200, then 401):
    {sign_it} rest POST /items > {post}; curl -i -K {post}; curl -i -K {post}

  Through the edge, which checks the key and signs (200; 503 until its first key is pushed, 20 s from now), and to the
  back end that the table names, which the forwarder has chosen:
    curl -i -H 'x-api-key: {good}' {edge}/items/staying

  A body whose digest the edge signs (200), and one that is altered behind the edge (400, digest_mismatch):
    curl -i -H 'x-api-key: {good}' -d '{{"name":"kettle"}}' {edge}/items
    {sign_it} synced POST /items > {post}; sed -i s/kettle/bottle/ {post}; curl -i -K {post}

  Move a route to another back end, and ask who answers until the forwarder knows:
    {ROUTE.relative_to(ROOT)} moving south
    curl -H 'x-api-key: {good}' {edge}/items/moving

  What key-sync says of itself, and what a comparison of table and edge would do:
    {KEY_SYNC.relative_to(ROOT)} status
    {KEY_SYNC.relative_to(ROOT)} reconcile dry

  Keys: {", ".join(state["keys"])}.
  A signature holds for 60 s. The emulator is at http://127.0.0.1:{port}. `make down` ends it all.
""")

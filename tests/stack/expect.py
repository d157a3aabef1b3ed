"""What is sent, and what must become of it: the cases of the demo and the suite are made of these."""

from collections.abc import Callable
from dataclasses import dataclass

from .gateway import Api, Request


@dataclass(frozen=True)
class Expectation:
    outcome: str
    code: str
    status: int


@dataclass(frozen=True)
class Case:
    what: str
    api: Api
    expected: Expectation
    request: Callable[[], Request]


YOU_MAY_NOT = {"grant_missing", "inside_path", "key_address", "path_hostile"}
"""Refusals that are 403 everywhere. The others ask who you are: 401, but 403 on HTTP APIs, which have no other way."""


def case(what, api, becomes, request):
    """`becomes` is "allow", the code of a refusal, or an expectation of its own."""
    if becomes == "allow":
        becomes = Expectation("allow", "allow", 101 if api.is_websocket else 200)
    elif isinstance(becomes, str):
        is_403 = becomes in YOU_MAY_NOT or api.kind.startswith("HTTP")
        becomes = Expectation("refuse", becomes, 403 if is_403 else 401)
    return Case(what, api, becomes, request)


def fault(code):
    return Expectation("fault", code, 500)


def forwarder(code, status):
    """What the forwarder makes of a request that the authorizer allows."""
    outcome = "forwarded" if code == "forwarded" else "inside" if status < 300 else "refuse"
    return Expectation(outcome, code, status)


def by_gateway(status):
    """The gateway answers by itself: the authorizer is not asked."""
    return Expectation("gateway", "", status)


def once(make):
    """Makes a request on first use, and gives the very same one again."""
    made = []

    def request():
        if not made:
            made.append(make())
        return made[0]

    return request

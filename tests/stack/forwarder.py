"""The forwarder as an operator meets it: its back ends, its parameters in the template, its routes in the table."""

import time

from . import backend, seed

HTTP = ("north", "south")
FUNCTION = "function"
"""The third back end: the test bench's echo."""
DEFAULT = "north"
ROUTES = {
    "moving": {"match": {"path": ["/items/moving"]}, "backend": "north"},
    "staying": {"match": {"path": ["/items/staying"]}, "backend": "south"},
    "function": {"match": {"path": ["/items/function"]}, "backend": FUNCTION},
    "nowhere": {"match": {"path": ["/items/nowhere"]}, "backend": "unlisted"},
    "closed": {"match": {"path": ["/items/closed"]}, "backend": "north", "deny_cidrs": ["203.0.113.0/24"]},
}
"""Routes by id, as they are from the start."""


def start_back_ends():
    """Starts the back ends that are servers; returns their URLs by name, and their process groups."""
    started = {name: backend.start(name) for name in HTTP}
    return {name: url for name, (url, _) in started.items()}, [group for _, group in started.values()]


def parameters(urls, function):
    """Of the template: the servers by their URLs, and a function by its ARN."""
    return {
        "Backend": "forwarder",
        "Backends": ",".join(f"{name}={place}" for name, place in (urls | {FUNCTION: function}).items()),
        "BackendFunctions": function,
        "DefaultBackend": DEFAULT,
    }


def put_routes(port, real):
    for name, route in ROUTES.items():
        put_route(port, real, name, route)


def put_route(port, real, name, route):
    seed.put(port, real["KeyTableName"], f"route#{name}", route | {"version": int(time.time() * 1000)})


def move_route(port, real, name, to):
    """Names another back end in a route's record; returns when."""
    put_route(port, real, name, ROUTES[name] | {"backend": to})
    return time.monotonic()

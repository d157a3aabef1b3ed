"""The forwarder as an operator meets it: its back ends, and its parameters in the template."""

from . import backend

HTTP = ("north", "south")
FUNCTION = "function"
"""The third back end: the test bench's echo."""
DEFAULT = "north"


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

"""The OIDC issuer: starts the real provider, and gets tokens from it."""

import contextlib
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request

from . import processes
from .places import HOME, NODE, ROOT

AUDIENCE = "https://api.example.com"


def start(port, certificate, key):
    """Starts the provider on a port of the loopback interface; returns its process group."""
    program = HOME / "node" / "issuer.mjs"
    # Beside its node_modules, which is where Node.js looks for them.
    shutil.copyfile(ROOT / "tests" / "stack" / "issuer.mjs", program)
    command = [NODE, program, port, certificate, key]
    return processes.start("issuer", command, lambda: _answers(port))


def address(port):
    """As tokens name it."""
    return f"https://127.0.0.1:{port}"


def _plain(port):
    """The same server without TLS, for those who only want something of it."""
    return f"http://127.0.0.1:{port}"


def token(port, resource, scope):
    """An access token by client_credentials. `resource` chooses algorithm, audience and age (see issuer.mjs)."""
    form = {"grant_type": "client_credentials", "resource": f"urn:{resource}", "scope": scope}
    form |= {"client_id": "orders", "client_secret": "only-for-the-local-stack"}
    request = urllib.request.Request(f"{_plain(port)}/token", data=urllib.parse.urlencode(form).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["access_token"]


def _answers(port):
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        return urllib.request.urlopen(f"{_plain(port)}/jwks", timeout=1).status == 200
    return False

"""A back end: answers with its name and with what reached it. Run as `python -m stack.backend NAME PORT`."""

import hashlib
import http.client
import http.server
import json
import sys

from . import processes
from .places import PYTHON, ROOT


def start(name):
    """Starts a back end on a port of the loopback interface; returns its URL and its process group."""
    port = processes.free_port()
    command = [PYTHON, "-m", "stack.backend", name, port]
    environment = {"PYTHONPATH": str(ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    group = processes.start(f"backend-{name}-{port}", command, lambda: _answers(port), environment=environment)
    return f"http://127.0.0.1:{port}", group


def _answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        told = {
            "backend": self.server.name,
            "method": self.command,
            "target": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer


def main(name, port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.name = name
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

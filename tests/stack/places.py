"""Where things are, and the few values that all of the local stack agrees on."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
HOME = ROOT / ".stack"
"""Everything that the local stack makes: tools, logs, state. Not in version control."""
BUILT = ROOT / "target" / "debug"
TEMPLATE = ROOT / "template.yaml"
ATTACHMENTS = ROOT / "tests" / "stack" / "attachments.yaml"
ATTACH = ROOT / "infra" / "attach"
WORKER = ROOT / "infra" / "edge-worker"
SIGNED_REQUEST = ROOT / "infra" / "signed_request.py"

REGION = "us-east-1"
DOMAIN = f"{REGION}.amazonaws.com"
"""The emulator answers for the real names below this, so that the template's AUTHORITIES are right as they are."""

PYTHON = Path(sys.executable)
NODE = os.environ.get("NODE", "node")
"""The Node.js to run the issuer with, and to find workerd by."""

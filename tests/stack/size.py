"""`make size`: builds the functions for release as they are deployed, and checks what each one's zip weighs and
brings along.

Only the standard library: it runs before any other tool is there.
"""

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target" / "x86_64-unknown-linux-gnu" / "release"

MB = 1_000_000
FUNCTIONS = {"authorizer": (9 * MB, 4 * MB), "forwarder": (9 * MB, 4 * MB), "key-sync": (10 * MB, 4 * MB)}
"""The most that binary and zip may weigh; nobody waits for key-sync to start."""

GLIBC = 34
"""provided.al2023 has glibc 2.34."""


def main():
    for function in FUNCTIONS:
        build(function)
    passed = [check(function) for function in FUNCTIONS]
    print("\n  all of them")
    passed.append(holds("no jitter entropy", "AWS_LC_SYS_NO_JITTER_ENTROPY=1 took effect", not has_jitter_entropy()))
    return 0 if all(passed) else 1


def check(function):
    largest_binary, largest_zip = FUNCTIONS[function]
    print(f"\n  {function}")
    binary = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()
    glibc = newest_glibc(binary)
    second = [package for package in ["rustls@0.21", "ring"] if in_tree(function, package)]
    return all(
        [
            most("binary", len(binary), largest_binary),
            most("zip", zipped(binary), largest_zip),
            holds("glibc", f"2.{glibc}, at most 2.{GLIBC}", glibc <= GLIBC),
            holds("one TLS stack", ", ".join(second) or "no rustls 0.21, no ring", not second),
        ]
    )


def build(function):
    """A host build through zig: the binary then runs on provided.al2023 whatever it was built on."""
    command = ["cargo", "lambda", "build", "--release", "--bin", function, "--skip-target-check"]
    tools = ROOT / ".stack" / "venv-release" / "bin"
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def zipped(binary):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as entries:
        entries.writestr("bootstrap", binary)
    return len(archive.getvalue())


def newest_glibc(binary):
    return max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary))


def in_tree(function, package):
    """Whether the function depends on it. Cargo fails where no package matches."""
    command = ["cargo", "tree", "--locked", "-p", f"countersign-{function}", "-e", "normal", "-i", package]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode and "did not match any packages" not in found.stderr:
        sys.exit(found.stderr)
    return bool(found.stdout.strip())


def has_jitter_entropy():
    """aws-lc's own object code is asked, which all of them link: symbols are gone from stripped binaries."""
    archives = sorted(TARGET.glob("build/aws-lc-sys-*/out/libaws_lc_*crypto.a"), key=lambda path: path.stat().st_mtime)
    if not archives:
        sys.exit(f"no aws-lc below {TARGET}/build: was it built?")
    return b"jent_entropy_init" in archives[-1].read_bytes()


def most(what, size, limit):
    return holds(what, f"{size / MB:.2f} MB, less than {limit / MB:.0f}", size < limit)


def holds(what, value, agrees):
    print(f"  {'ok   ' if agrees else 'WRONG'}  {what:<18} {value}")
    return agrees


if __name__ == "__main__":
    sys.exit(main())

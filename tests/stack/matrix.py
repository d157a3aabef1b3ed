"""`make matrix`: key-sync killed before and after each of its calls, against the emulator's real staging labels.

The tests themselves are Rust; without this they run against a fake of Secrets Manager.
"""

import os
import shutil
import subprocess

from . import ministack, processes, stack
from .places import HOME, ROOT

TESTS = ["crash::a_killed_step_is_", "crash::a_killed_tick_was_"]


def main():
    port = processes.free_port()
    directory = HOME / f"run-{port}"
    with stack.step("emulator"):
        group = ministack.start(port, directory, enforce_iam=False)
    try:
        environment = os.environ | {"COUNTERSIGN_SECRETS_MANAGER_URL": ministack.endpoint(port)}
        if shutil.which("cargo-nextest"):
            command = ["cargo", "nextest", "run", "--workspace", "--locked", "-E", f"test(/^({'|'.join(TESTS)})/)"]
        else:
            command = ["cargo", "test", "--workspace", "--locked", "--test", "it", "--", *TESTS]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        stack.stop_parts([group], directory)

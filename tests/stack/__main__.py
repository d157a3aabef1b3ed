"""The local stack's commands: demo, suite, up, down, sign. `make` calls them."""

import sys

from . import demo, processes, suite, up

COMMANDS = {"demo": demo.main, "suite": suite.main, "up": up.main, "down": up.down, "sign": up.sign}


def main(arguments):
    match arguments:
        case [name, *rest] if name in COMMANDS:
            with processes.interruptible():
                return COMMANDS[name](*rest)
    print(f"usage: python -m stack {'|'.join(COMMANDS)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except processes.Failed as failure:
        sys.exit(f"\n{failure}")
    except KeyboardInterrupt:
        sys.exit(130)

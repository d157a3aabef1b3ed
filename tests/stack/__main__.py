"""The local stack's commands: demo, suite, matrix, up, down, sign, job, route, ray. `make` calls the first five."""

import sys

from . import demo, matrix, processes, suite, up

COMMANDS = {
    "demo": demo.main,
    "suite": suite.main,
    "matrix": matrix.main,
    "up": up.main,
    "down": up.down,
    "sign": up.sign,
    "job": up.job,
    "route": up.route,
    "ray": up.ray,
}


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

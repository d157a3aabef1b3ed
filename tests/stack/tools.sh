#!/usr/bin/env bash
# Gets what `make` needs, pinned, into .stack, and says clearly what it cannot get. Fast when there is nothing to do.
#
#   tools.sh check PROGRAM…       cargo, python3 >= 3.11, node >= 20.19, or any other
#   tools.sh venv NAME FILE       .stack/NAME with the Python packages of FILE
#   tools.sh node                 .stack/node with the packages of tests/stack/package-lock.json
#   tools.sh packages FOLDER      FOLDER/node_modules with the packages of its package-lock.json
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

check() {
    case $1 in
        cargo) command -v cargo > /dev/null || fail "cargo is missing: install Rust by rustup, see https://rustup.rs" ;;
        python3)
            "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2> /dev/null ||
                fail "python3 of version 3.11 or later, with its venv module, is missing (or name one: make PYTHON=…)"
            ;;
        node)
            command -v "${NODE:-node}" > /dev/null &&
                "${NODE:-node}" -e 'const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)' ||
                fail "node of version 20.19 or later, with npm, is missing (or name one: make NODE=…)"
            ;;
        *) command -v "$1" > /dev/null || fail "$1 is missing: install it, the suite calls it as the printed lines do" ;;
    esac
}

# A place is complete when its stamp holds the checksum of what it was made from.
is_made() { [[ -f $1/.made && $(< "$1/.made") == "$(checksum "$2")" ]]; }
checksum() { "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }
made() { checksum "$2" > "$1/.made"; }

make_venv() {
    local place=.stack/$1 packages=$2
    check python3
    is_made "$place" "$packages" && return
    echo "  getting the Python packages of $packages into $place (once) …" >&2
    "$python" -m venv --clear "$place"
    "$place/bin/pip" install --quiet --no-input --disable-pip-version-check --no-deps -r "$packages"
    made "$place" "$packages"
}

make_node() {
    local place=.stack/node lock=tests/stack/package-lock.json
    check node
    is_made "$place" "$lock" && return
    echo "  getting the Node.js packages of $lock into $place (once) …" >&2
    rm -rf "$place" && mkdir -p "$place"
    cp tests/stack/package.json "$lock" "$place"
    npm ci --prefix "$place" --no-audit --no-fund --ignore-scripts --loglevel=error > /dev/null
    made "$place" "$lock"
}

make_packages() {
    local place=$1/node_modules lock=$1/package-lock.json
    check node
    is_made "$place" "$lock" && return
    echo "  getting the Node.js packages of $lock into $place (once) …" >&2
    npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts --loglevel=error > /dev/null
    made "$place" "$lock"
}

case ${1:-} in
    check) shift && for program in "$@"; do check "$program"; done ;;
    venv) make_venv "$2" "$3" ;;
    node) make_node ;;
    packages) make_packages "$2" ;;
    *) fail "usage: tools.sh check PROGRAM… | venv NAME FILE | node | packages FOLDER" ;;
esac

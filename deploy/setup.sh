#!/bin/sh
# Make .venv hold what is wanted, from hash-pinned locks; do nothing, and ask no network, when it already does.
#
#   deploy/setup.sh demo    the package alone
#   deploy/setup.sh dev     all extras, the tests and the checkers
set -eu
cd -P "$(dirname "$0")/.."
case "${1:-}" in
  demo) lock=requirements-demo.lock ;;
  dev) lock=requirements.lock ;;
  *) echo "usage: deploy/setup.sh demo|dev" >&2; exit 2 ;;
esac
log=.setup.log

# Two at once would fill it twice: the second waits, then finds it done.
if command -v flock >/dev/null; then exec 9<deploy/setup.sh && flock 9; fi

fail() { echo "setup: $*" >&2; exit 1; }

# The stamp holds the place too, because the scripts in a virtual environment name it.
state() { printf '%s %s\n' "$PWD" "$(cat "$1" pyproject.toml | sha256sum)"; }
stamped() { [ "$(cat ".venv/.stamp-$1" 2>/dev/null)" = "$(state "$2")" ]; }

# A version manager's shim can exist and yet fail: only a run tells. The locks have wheels for 3.11 to 3.14.
find_python() {
  for python in "${PYTHON:-python3}" python3.13 python3.12 python3.14 python3.11 /usr/bin/python3; do
    "$python" -c "import sys, $1; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))" 2>/dev/null && return
  done
  return 1
}

installed() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
  echo "setup: installing $*" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update; apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1
}

need() {
  installed "$@" || fail "something of the system is missing, please run: sudo apt-get install $*"
}

# Tests that want a program that is not there say so.
want() {
  for program in "$@"; do
    command -v "$program" >/dev/null || missing="${missing:-}${missing:+ }$program"
  done
  [ -z "${missing:-}" ] || installed $missing ||
    echo "setup: some tests will not run without: sudo apt-get install $missing" >&2
}

make_venv() {
  if ! find_python ensurepip; then
    if find_python venv; then
      need "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    else
      need python3 python3-venv
    fi
    find_python ensurepip || fail "Python 3.11 to 3.14 with its venv module is wanted; PYTHON=/path/to/it names another"
  fi
  rm -rf .venv
  "$python" -m venv .venv >>"$log" 2>&1 || fail "\`$python -m venv\` failed, see $log"
}

# The log may name package indexes, which is the business of the machine: show the reason without them.
pip() {
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps "$@" >>"$log" 2>&1 && return
  fail "pip failed (is there a network?), see $log: $(grep '^ERROR' "$log" | sed -E 's#[a-z+]+://[^ ]*#...#g' | head -n 1)"
}

has_pdf_libraries() {
  .venv/bin/python -c '
import ctypes
for name in ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset"):
    ctypes.CDLL(f"lib{name}.so.0")' 2>/dev/null
}

# An upgrade of the system can take a virtual environment's Python away, or its packages out of sight.
if .venv/bin/python -c 'import msgspec' 2>/dev/null; then
  if stamped "$1" "$lock" || stamped dev requirements.lock; then exit 0; fi
fi

: >"$log"
echo "setup: filling .venv from $lock, once" >&2
if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  ! grep -qF "$PWD/.venv" .venv/bin/activate; then
  make_venv
fi
pip --require-hashes -r "$lock"
pip --no-build-isolation -e .
if [ "$1" = dev ] && ! has_pdf_libraries; then
  need libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0
fi
if [ "$1" = dev ]; then want chromium openssl strace; fi
state "$lock" >".venv/.stamp-$1"

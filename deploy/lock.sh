#!/bin/sh
# Write the locks anew, for every platform and for Python 3.11 and later. They hold names, versions and hashes;
# no line says where a file comes from. Known pins stay: `deploy/lock.sh --upgrade` moves them.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv build/lock
build/lock/bin/python -m pip install -q --disable-pip-version-check uv

# The build backend is locked as well, so that the package itself installs without a network.
compile() {
  echo hatchling | build/lock/bin/uv pip compile -q pyproject.toml - --universal --python-version 3.11 \
    --fork-strategy fewest --generate-hashes --no-annotate --no-emit-index-url \
    --custom-compile-command "make lock" "$@"
}
compile --all-extras -o requirements.lock "$@"
compile -c requirements.lock -o requirements-demo.lock "$@"
# What the container image holds: the package with all that a service can use.
compile --extra postgres --extra server --extra pdf --extra s3 --extra timestamp --extra tracing \
  -c requirements.lock -o deploy/requirements-server.lock "$@"

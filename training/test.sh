#!/usr/bin/env bash
# Tests training/ in a virtual environment of its own (needs python3-venv; installs torch for the CPU, several hundred MB, once).
# With ETUDE_TRAINING_PYTHON set, that Python is used as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python=${ETUDE_TRAINING_PYTHON:-}
if [ -z "$python" ]; then
    python=${XDG_CACHE_HOME:-$HOME/.cache}/etude-training/venv/bin/python
    [ -x "$python" ] || python3 -m venv "$(dirname "$(dirname "$python")")"
    "$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
exec "$python" -m unittest discover -s tests -t . "$@"

#!/usr/bin/env bash
# The whole suite: format, lint, types, import contracts, then every test on real services.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # the tests start many processes: compile once, not in each
started=$SECONDS
step() { printf '\n== %s (%ss)\n' "$*" "$((SECONDS - started))"; }
step lint;    make --no-print-directory lint
step types;   make --no-print-directory types
step imports; make --no-print-directory imports
step tests
.venv/bin/pytest -q -n 2 --dist loadfile --durations=15 "$@"

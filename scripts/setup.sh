#!/usr/bin/env bash
# Sets up everything: `setup.sh run` for the product, `setup.sh tests` for the product and its tests.
# Safe to run again; what is there already is left alone. Only Debian packages need root, and then they are named.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
started=$SECONDS
UV_VERSION=0.13.9

say() { printf '\033[1m[%3ss]\033[0m %s\n' "$((SECONDS - started))" "$*" >&2; }
fail() { printf '\nsetup: %s\n' "$*" >&2; exit 1; }

# ---- Debian packages -------------------------------------------------------------------------
need=()
want() { command -v "$1" >/dev/null 2>&1 || [ -x "$1" ] || need+=("$2"); }
want ffmpeg ffmpeg
want ffprobe ffmpeg
want exiftool libimage-exiftool-perl
want pdftoppm poppler-utils
python=${PYTHON:-python3}
command -v "$python" >/dev/null || need+=(python3)
command -v "$python" >/dev/null && { "$python" -c 'import ensurepip, venv' 2>/dev/null || need+=(python3-venv); }
command -v npm >/dev/null 2>&1 || need+=(nodejs npm)
ldconfig -p 2>/dev/null | grep -q libseccomp.so.2 || need+=(libseccomp2)
if [ "$purpose" = tests ]; then
  want /usr/bin/chromium chromium
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need+=(postgresql)
  fc-list 2>/dev/null | grep -qi 'Noto.*CJK' || need+=(fonts-noto-cjk fontconfig)
  want git git
  want mvn maven
fi
if [ ${#need[@]} -gt 0 ]; then
  mapfile -t need < <(printf '%s\n' "${need[@]}" | sort -u)
  if [ "$(id -u)" != 0 ]; then
    fail "these Debian packages are missing and only root can install them:
    apt-get install ${need[*]}
Install them, then run the same command again."
  fi
  say "Debian packages: ${need[*]}"
  export DEBIAN_FRONTEND=noninteractive
  rm -f /var/lib/man-db/auto-update
  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; made_policy=1; }
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get -qq -o Acquire::Retries=3 update
  apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-unsafe-io install -y --no-install-recommends "${need[@]}" >.setup.log 2>&1 \
    || { tail -20 .setup.log >&2; fail "apt-get could not install them"; }
  rm -f .setup.log
  [ -z "${made_policy:-}" ] || rm -f /usr/sbin/policy-rc.d
fi

# ---- versions --------------------------------------------------------------------------------
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed ($("$python" --version) found; name another with PYTHON=)"
node_major=$(node --version | sed 's/v\([0-9]*\).*/\1/')
[ "$node_major" -ge 20 ] || fail "Node.js 20 or newer is needed ($(node --version) found)"

# ---- Python ----------------------------------------------------------------------------------
tools=.cache/tools
if ! "$tools/bin/uv" --version 2>/dev/null | grep -q "$UV_VERSION"; then
  say "uv $UV_VERSION"
  "$python" -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "uv==$UV_VERSION"
fi
export UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-}} UV_LINK_MODE=${UV_LINK_MODE:-copy}
[ -n "$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX
stamp=.venv/.asset_hub-setup
wanted=$(cat requirements.lock pyproject.toml | sha256sum | cut -c1-64)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  say "Python packages into .venv"
  [ -x .venv/bin/python ] || "$tools/bin/uv" venv --quiet --python "$(command -v "$python")" .venv
  "$tools/bin/uv" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock
  "$tools/bin/uv" pip install --quiet --python .venv/bin/python --no-deps -e .
  echo "$wanted" >"$stamp"
fi

# ---- tools of the tests, in the background: geth takes minutes to build, once per machine ------
background=()
install_anvil() {
  .venv/bin/python -m tests.services.anvil is-there && return
  say "anvil"
  .venv/bin/python -m tests.services.anvil install >.cache/anvil.log 2>&1 \
    || { tail -5 .cache/anvil.log >&2; say "anvil could not be had: its tests will be skipped"; }
}
build_geth() {
  .venv/bin/python -m tests.services.geth is-there && return
  if [ -z "$(.venv/bin/python -m tests.services.geth find-go)" ]; then
    say "no Go: the tests on a real network will be skipped"
    return
  fi
  say "building geth beside the rest (some minutes, once per machine)"
  nice .venv/bin/python -m tests.services.geth install >.cache/geth.log 2>&1 \
    || { tail -5 .cache/geth.log >&2; say "geth could not be built: its tests will be skipped"; }
}
look_for_softhsm() { # a Debian package: only root can install it, and only where it is missing
  command -v softhsm2-util >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "SoftHSM2"
    apt-get install -y -qq softhsm2 >.cache/softhsm.log 2>&1 && return
  fi
  say "no SoftHSM2 (Debian package softhsm2): the tests of tokens will be skipped"
}
install_contract_tools() {
  .venv/bin/python -m tests.services.contract_tools is-there && return
  say "vyper, halmos, slither, each in an environment of its own"
  .venv/bin/python -m tests.services.contract_tools install >.cache/contract-tools.log 2>&1 \
    || { tail -5 .cache/contract-tools.log >&2; say "they could not all be had: what needs them will be skipped"; }
}
if [ "$purpose" = tests ]; then
  look_for_softhsm
  install_anvil & background+=($!)
  install_contract_tools & background+=($!)
  build_geth & background+=($!)
fi

# ---- page assets -----------------------------------------------------------------------------
node_build() { # folder, output folder
  local wanted
  [ -f "$1/package-lock.json" ] || return 0
  wanted=$(cd "$1" && git ls-files -co --exclude-standard . 2>/dev/null | sort | xargs -r sha256sum 2>/dev/null | sha256sum | cut -c1-64)
  [ "$(cat "$2/.built" 2>/dev/null)" = "$wanted" ] && return
  say "building $1"
  (cd "$1" && npm ci --silent --no-audit --no-fund && node build.mjs)
  echo "$wanted" >"$2/.built"
}
node_build asset_hub/web/frontend asset_hub/web/static/dist
if [ "$purpose" = tests ] && [ -f contracts/package-lock.json ] && [ ! -d contracts/node_modules ]; then
  say "contract compiler"
  (cd contracts && npm ci --silent --no-audit --no-fund)
fi

# ---- Elasticsearch node for the tests --------------------------------------------------------
if [ "$purpose" = tests ]; then
  java=$(.venv/bin/python -m tests.services.elasticsearch find-java || true)
  if [ -z "$java" ]; then
    say "no Java 21 or newer: the Elasticsearch tests will be skipped"
  elif ! .venv/bin/python -m tests.services.elasticsearch is-there; then
    say "Elasticsearch node"
    .venv/bin/python -m tests.services.elasticsearch install >.setup.log 2>&1 \
      || { tail -5 .setup.log >&2; say "it could not be had: its tests will be skipped"; }
    rm -f .setup.log
  fi
fi
[ ${#background[@]} -eq 0 ] || wait "${background[@]}"
say "ready"

#!/usr/bin/env bash
# need.sh COMMAND:PACKAGE[,PACKAGE…] …
# Makes sure that every COMMAND is on the PATH. What is missing is installed as Debian packages when this may be done (root,
# apt-get present); otherwise the script says exactly what to install and fails. Nothing is skipped silently.
set -euo pipefail

# Debian keeps PostgreSQL's programs off the PATH, in a folder for each version.
for dir in /usr/lib/postgresql/*/bin; do PATH+=":$dir"; done

missing=()
for want in "$@"; do
  if ! command -v "${want%%:*}" >/dev/null 2>&1; then
    IFS=, read -r -a packages <<<"${want#*:}"
    missing+=("${packages[@]}")
  fi
done

if ((${#missing[@]} > 0)); then
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "installing what is missing: ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >&2 || echo "apt-get update failed; trying with the package lists at hand" >&2
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
  else
    echo "missing: ${missing[*]}" >&2
    echo "  install them and run again, on Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi

for want in "$@"; do
  if ! command -v "${want%%:*}" >/dev/null 2>&1; then
    echo "still missing after the installation: ${want%%:*} (package ${want#*:})" >&2
    exit 1
  fi
done

# Go is not installed from here: Debian's is older than what go.mod asks for.
if ! command -v go >/dev/null 2>&1; then
  echo "missing: go; install Go 1.26 or newer from https://go.dev/dl/ and put it on the PATH" >&2
  exit 1
fi

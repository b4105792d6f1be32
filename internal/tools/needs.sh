#!/usr/bin/env bash
# Installs Debian packages whose command is missing, and says so: COMMAND, or
# COMMAND=PACKAGE where the two have different names.
set -euo pipefail
missing=()
for need in "$@"; do
	command -v "${need%%=*}" >/dev/null || missing+=("${need##*=}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing Debian packages: ${missing[*]}"
sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"

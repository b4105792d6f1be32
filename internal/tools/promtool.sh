#!/usr/bin/env bash
# Brings promtool, which checks alert rules. It comes with Prometheus's server,
# whose package would start that: only the tool is taken out of it.
set -euo pipefail
command -v promtool >/dev/null && exit 0
echo "taking promtool out of Debian's package prometheus"
sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
$sudo apt-get update -qq
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq prometheus
dpkg -x prometheus_*.deb .
$sudo install -m 755 usr/bin/promtool /usr/local/bin/promtool

#!/bin/sh
# Installs the Debian packages that the tests need: the real broker, database, browser, and peers of cameras.
set -eu
packages="
  chromium
  ffmpeg
  fonts-dejavu-core
  glib-networking
  gir1.2-gst-rtsp-server-1.0
  gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good
  gstreamer1.0-plugins-ugly
  iproute2
  libatomic1
  libgl1
  libglib2.0-0
  openssl
  postgresql-15
  python3-gi
  rabbitmq-server
  util-linux
"
missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "These Debian packages are missing; install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
apt-get install -y -qq --no-install-recommends $missing

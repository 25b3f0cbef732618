#!/bin/sh
# Install the system tools that a task needs, and only those that are missing.
#
#     scripts/install_tools.sh venv | test | bench | captures
#
# Uses apt (Debian, Ubuntu), as root or with sudo. Elsewhere it says what to install. Set NO_INSTALL=1 to be told only.
set -eu

missing=
need() {    # need PACKAGE CHECK...: the package is missing when the check fails
    package=$1
    shift
    if ! "$@" >/dev/null 2>&1; then
        missing="$missing $package"
    fi
}
have() { command -v "$1" || test -x "/usr/sbin/$1" || test -x "/sbin/$1"; }
python_headers() {
    python=.venv/bin/python
    test -x $python || python=python3
    $python -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

browser() { have chromium || have chromium-browser || have google-chrome; }
compiler() { need gcc have gcc; need libc6-dev test -e /usr/include/stdio.h; need python3-dev python_headers; }

case ${1:-} in
    venv)
        need python3-venv python3 -c 'import ensurepip, venv'
        ;;
    test)
        compiler
        need tshark have tshark
        need wireshark-common have sharkd
        need iproute2 have ip
        need tcpreplay have tcpreplay
        need chromium browser
        need tcpdump have tcpdump
        need nginx-light have nginx
        need dnsmasq-base have dnsmasq
        need fcgiwrap have fcgiwrap
        need curl have curl
        ;;
    bench)
        compiler
        need tshark have tshark
        need tcpflow have tcpflow
        need httpry have httpry
        ;;
    captures)
        need iproute2 have ip
        need tcpdump have tcpdump
        need tshark have dumpcap
        need nginx-light have nginx
        need dnsmasq-base have dnsmasq
        need fcgiwrap have fcgiwrap
        need curl have curl
        need dnsutils have dig
        ;;
    *)
        echo "usage: $0 venv | test | bench | captures" >&2
        exit 2
        ;;
esac

missing=${missing# }
[ -n "$missing" ] || exit 0

if [ -n "${NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null; then
    echo "Missing: $missing (names of Debian packages). Install them with this system's package manager and try again." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null; then
    sudo=sudo
else
    echo "Missing: $missing. Run as root: apt-get install $missing" >&2
    exit 1
fi
echo "Installing: $missing"
# Word splitting is meant: $sudo may be empty and $missing are several packages.
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null

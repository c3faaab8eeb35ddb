#!/bin/sh
# Draw the secrets of production into a folder, a file each; what is there stays: a lost key cannot be drawn again.
#   sh deploy/new-secrets.sh /etc/bizcuit/secrets
set -eu
umask 077
mkdir -p "$1"
cd "$1"

draw() { # write standard input to a new file
  if [ -e "$1" ]; then echo "kept: $1"; else cat > "$1.new" && mv "$1.new" "$1" && echo "drawn: $1"; fi
}

for name in session-key lookup-key pin-pepper backup-key metrics-token; do
  openssl rand -base64 32 | draw "$name"
done
openssl rand -base64 32 | tr '+/' '-_' | draw push-key # base64url
printf '%s:%s\n' "$(date -u +%Y)a" "$(openssl rand -base64 32)" | draw data-keys

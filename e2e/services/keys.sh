#!/bin/sh
# Makes the folders of all programs, the ssh keys of server and client, and the plugins to publish.
set -eu
mkdir -p /srv/ssh /srv/www/cgi-bin /srv/git /srv/work
cp /config/http-backend.sh /srv/www/cgi-bin/git
chmod 0755 /srv/www/cgi-bin/git
for name in host client; do
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "/srv/ssh/$name"
done
for plugin in server-plugin tui-plugin; do
    mkdir -p "/srv/plugins/$plugin"
    cp "/config/$plugin.json" "/srv/plugins/$plugin/package.json"
    cp "/config/$plugin.js" "/srv/plugins/$plugin/index.js"
done

#!/bin/sh
# Serves /srv/git by git's protocol, and the files of /srv/www.
set -eu
mkdir -p /srv/www/cgi-bin /srv/git /srv/work
cp /scripts/http-backend.sh /srv/www/cgi-bin/git
chmod 0755 /srv/www/cgi-bin/git
if test -n "$(ls /seed)"; then
    # The volume's entries are links to what the kubelet may exchange.
    cp -RL /seed/* /srv/work/
    # A pod that is started again has the same commit, which clones of the first one know.
    GIT_AUTHOR_DATE=2026-11-02T09:00:00Z GIT_COMMITTER_DATE=2026-11-02T09:00:00Z \
        sh /scripts/commit.sh 'A first version'
fi
exec /srv/busybox httpd -f -p 8080 -h /srv/www

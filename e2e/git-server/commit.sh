#!/bin/sh
# Makes a repository of what stands in /srv/work, or one commit more, and prints the commit's name.
set -eu
export HOME=/srv
cd /srv/work
git init --quiet --initial-branch=main .
git add --all
# Of a container that is started again in its pod, the commit is there already.
git diff --cached --quiet HEAD 2>/dev/null || git -c user.name=KubeOpenCode -c user.email=demo@example.com commit --quiet --message "$1"
test -d /srv/git/repo.git || git init --quiet --bare --initial-branch=main /srv/git/repo.git
git push --quiet --force /srv/git/repo.git main
git rev-parse HEAD

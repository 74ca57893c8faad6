#!/bin/sh
# How httpd calls git.
export GIT_PROJECT_ROOT=/srv/git GIT_HTTP_EXPORT_ALL=1 HOME=/srv
exec git -c safe.directory='*' http-backend

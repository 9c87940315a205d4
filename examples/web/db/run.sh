#!/bin/sh
# /var/run/postgresql does not exist in a container without an image, hence the socket in /tmp.
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
exec "$bin/postgres" -D /data/cluster -c listen_addresses='*' -c unix_socket_directories=/tmp

#!/bin/sh
# Makes the database cluster in the volume, if it is not there yet.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as_postgres() {
  setpriv --reuid=postgres --regid=postgres --init-groups --reset-env "$@"
}

chown postgres:postgres /data
chmod 0700 /data
if [ -e /data/cluster/PG_VERSION ]; then
  echo 'the cluster is there already'
  exit 0
fi

# Made under another name first, so that a run that was cut short leaves nothing that looks finished.
rm -rf /data/new
password_file=$(mktemp)
printf '%s\n' "$PGPASSWORD" > "$password_file"
chown postgres: "$password_file"
as_postgres "$bin/initdb" -D /data/new -U app --pwfile="$password_file" --auth-local=trust --auth-host=scram-sha-256 \
  -E UTF8 --locale=C.UTF-8 --no-instructions
rm "$password_file"
echo 'host all all samenet scram-sha-256' >> /data/new/pg_hba.conf
as_postgres "$bin/postgres" --single -D /data/new postgres < /srv/db/database.sql > /dev/null
as_postgres "$bin/postgres" --single -D /data/new app < /srv/db/schema.sql > /dev/null
mv /data/new /data/cluster
echo 'the cluster is made'

# A PostgreSQL of its own for tests, soaks and benchmarks. To be sourced by bash.
#
#   postgres_start   starts one on a free port of the loopback interface, sets POSTGRES_URL
#   postgres_stop    stops it and removes its folder; does nothing when none runs
#   postgres_crash   ends it at once, as a crash does; its folder stays
#   postgres_resume  starts it again where it was
#   postgres_signal  sends a signal to all its processes
#
# It is as fast as PostgreSQL gets and forgets everything in a power cut. POSTGRES_DURABLE=1 keeps
# fsync and full_page_writes on, for a benchmark that has to pay for durability.
# Call `trap postgres_stop EXIT` before `postgres_start`.

POSTGRES_FOLDER=
POSTGRES_URL=

# The newest server programs of this machine.
postgres_programs() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            printf '%s\n' "$folder"
            return 0
        fi
    done
    folder=$(command -v initdb) || return 1
    dirname "$folder"
}

# Runs a command as a user that PostgreSQL accepts: it refuses root.
postgres_as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        (cd "$POSTGRES_FOLDER" && exec "$@") </dev/null
        return
    fi
    local user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    (cd / && exec runuser -u "$user" -- "$@") </dev/null
}

postgres_start() {
    local programs try port
    if ! programs=$(postgres_programs); then
        echo "There is no PostgreSQL server on this machine. Install the package postgresql." >&2
        return 1
    fi
    POSTGRES_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/antaca-postgres.XXXXXX")
    chmod 700 "$POSTGRES_FOLDER"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$(id -u postgres 2>/dev/null || id -u nobody)" "$POSTGRES_FOLDER"
    fi
    if ! postgres_as_user "$programs/initdb" --pgdata="$POSTGRES_FOLDER/data" --username=postgres \
        --auth=trust --encoding=UTF8 --locale=C --no-sync >"$POSTGRES_FOLDER/initdb.log" 2>&1; then
        cat "$POSTGRES_FOLDER/initdb.log" >&2
        return 1
    fi
    {
        echo "listen_addresses = '127.0.0.1'"
        echo "unix_socket_directories = '$POSTGRES_FOLDER'"
        echo "max_connections = 300"
        echo "shared_buffers = 128MB"
        if [ "${POSTGRES_DURABLE:-0}" != 1 ]; then
            echo "fsync = off"
            echo "full_page_writes = off"
            echo "synchronous_commit = off"
        fi
    } >>"$POSTGRES_FOLDER/data/postgresql.conf"

    # A port that is taken makes the start fail, so trying is the only check without a race.
    for try in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 12000))
        if postgres_as_user "$programs/pg_ctl" start --wait --timeout=60 --silent \
            --pgdata="$POSTGRES_FOLDER/data" --log="$POSTGRES_FOLDER/server.log" \
            --options="-p $port" >>"$POSTGRES_FOLDER/pg_ctl.log" 2>&1; then
            POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
            return 0
        fi
    done
    echo "PostgreSQL did not start in $try tries:" >&2
    cat "$POSTGRES_FOLDER/server.log" "$POSTGRES_FOLDER/pg_ctl.log" >&2
    return 1
}

postgres_crash() {
    postgres_as_user "$(postgres_programs)/pg_ctl" stop --mode=immediate --wait --silent \
        --pgdata="$POSTGRES_FOLDER/data"
}

postgres_resume() {
    local port=${POSTGRES_URL##*:}
    postgres_as_user "$(postgres_programs)/pg_ctl" start --wait --timeout=60 --silent \
        --pgdata="$POSTGRES_FOLDER/data" --log="$POSTGRES_FOLDER/server.log" \
        --options="-p ${port%%/*}" >>"$POSTGRES_FOLDER/pg_ctl.log" 2>&1
}

postgres_signal() {
    local parent
    parent=$(head -n 1 "$POSTGRES_FOLDER/data/postmaster.pid")
    # The first one makes the others, so none is made between the two.
    kill -"$1" "$parent"
    # shellcheck disable=SC2046
    kill -"$1" $(cat "/proc/$parent/task/$parent/children")
}

postgres_stop() {
    [ -n "$POSTGRES_FOLDER" ] || return 0
    local programs
    if [ -f "$POSTGRES_FOLDER/data/postmaster.pid" ] && programs=$(postgres_programs); then
        postgres_signal CONT 2>/dev/null || true
        postgres_as_user "$programs/pg_ctl" stop --mode=immediate --silent \
            --pgdata="$POSTGRES_FOLDER/data" >/dev/null 2>&1 || true
    fi
    rm -rf "$POSTGRES_FOLDER"
    POSTGRES_FOLDER=
    POSTGRES_URL=
}

#!/usr/bin/env bash
# The same services as compose.yaml, without containers: PostgreSQL, Redis, CeleryExecutor, all
# on 127.0.0.1. Prints the address when healthy, runs until interrupted, stops everything.
#   celery.sh            settings: NN2VEC_ROOT (the project), NN2VEC_PYTHON (its interpreter),
#                        NN2VEC_PASSWORD (of the user admin; made up and printed if unset)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${NN2VEC_PYTHON:-$here/../.venv/bin/python}
PATH=$(cd "$(dirname "$python")" && pwd):$PATH
export PATH NN2VEC_ROOT=${NN2VEC_ROOT:-$(dirname "$here")}

postgres_bin=$(dirname "$(readlink -f "$(command -v initdb)")")
as_postgres=()
if [[ $(id -u) == 0 ]]; then as_postgres=(runuser -u postgres --); fi # root may not run it

secret() { python -c 'import secrets; print(secrets.token_urlsafe(64))'; }
free_ports() {
    python -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))'
}

home=$(mktemp -d "${TMPDIR:-/tmp}/nn2vec-celery.XXXXXX")
chmod 711 "$home"
pids=()

# shellcheck disable=SC2317  # the traps call it
stop() {
    trap - EXIT INT TERM
    if ((${#pids[@]})); then
        kill -TERM "${pids[@]}" 2>/dev/null || true
        for _ in {1..60}; do
            kill -0 "${pids[@]}" 2>/dev/null || break
            sleep 0.5
        done
        for pid in "${pids[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
    fi
    if [[ -f $home/postgres/postmaster.pid ]]; then
        "${as_postgres[@]}" "$postgres_bin/pg_ctl" -D "$home/postgres" -m fast -w stop || true
    fi
    rm -rf "$home"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start() { # NAME COMMAND...: in a process group of its own, led by the pid that is kept
    local name=$1
    shift
    setsid "$@" >"$home/$name.log" 2>&1 &
    pids+=($!)
}

fail() { # MESSAGE
    echo "celery.sh: $1" >&2
    tail -n 20 "$home"/*.log >&2
    exit 1
}

start_postgres() { # PORT
    local password data=$home/postgres
    password=$(secret)
    install -d -m 700 "$data"
    printf '%s' "$password" >"$home/pgpass"
    if [[ $(id -u) == 0 ]]; then chown postgres "$data" "$home/pgpass"; fi
    chmod 600 "$home/pgpass"
    (
        cd /
        "${as_postgres[@]}" "$postgres_bin/initdb" -D "$data" -U airflow -A scram-sha-256 \
            --pwfile "$home/pgpass" --no-sync
        "${as_postgres[@]}" "$postgres_bin/pg_ctl" -D "$data" -l "$data/log" -w start \
            -o "-p $1 -k $data -c listen_addresses=127.0.0.1 -c fsync=off"
    ) >"$home/initdb.log" 2>&1 || fail "PostgreSQL did not start"
    database="airflow:$password@127.0.0.1:$1/postgres"
}

start_redis() { # PORT
    redis_password=$(secret)
    printf 'bind 127.0.0.1\nport %s\nrequirepass %s\nsave ""\n' "$1" "$redis_password" \
        >"$home/redis.conf"
    start redis redis-server "$home/redis.conf"
}

configure() { # API_PORT REDIS_PORT
    export NN2VEC_PASSWORD=${NN2VEC_PASSWORD:-$(secret)}
    export AIRFLOW_HOME=$home
    export AIRFLOW__CORE__EXECUTOR=CeleryExecutor
    export AIRFLOW__CORE__DAGS_FOLDER=$here/../dags
    export AIRFLOW__CORE__LOAD_EXAMPLES=False
    export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=admin:admin
    export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=$home/passwords.json
    export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://$database
    export AIRFLOW__CELERY__RESULT_BACKEND=db+postgresql://$database
    export AIRFLOW__CELERY__BROKER_URL=redis://:$redis_password@127.0.0.1:$2/0
    export AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__PORT=$1
    export AIRFLOW__API__BASE_URL=http://127.0.0.1:$1
    AIRFLOW__API_AUTH__JWT_SECRET=$(secret)
    export AIRFLOW__API_AUTH__JWT_SECRET
    export AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT=60
    export AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1
    export AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL=10
    export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
}

read -r postgres_port redis_port api_port < <(free_ports)
start_postgres "$postgres_port"
start_redis "$redis_port"
configure "$api_port" "$redis_port"
"$here/service.sh" prepare >"$home/prepare.log" 2>&1 || fail "the database was not prepared"
services=(api-server scheduler dag-processor triggerer worker)
for service in "${services[@]}"; do start "$service" "$here/service.sh" "$service"; done
for service in "${services[@]}"; do
    for attempt in {1..60}; do
        "$here/service.sh" healthy "$service" >/dev/null 2>&1 && continue 2
        sleep 2
    done
    fail "$service did not become healthy after $attempt attempts"
done
echo "healthy: http://127.0.0.1:$api_port user admin password $NN2VEC_PASSWORD"
wait -n "${pids[@]}" || true
fail "a service stopped by itself"

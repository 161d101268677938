#!/usr/bin/env bash
# One Airflow service in the foreground: what compose.yaml and celery.sh both start.
#   service.sh prepare | api-server | scheduler | dag-processor | triggerer | worker
#   service.sh healthy SERVICE     exit status 0 if that service of this host is alive
# Needs the settings as AIRFLOW__... variables and `python` of the project's environment.
set -euo pipefail
cd "$(dirname "$0")/.."

airflow() { python -m airflow "$@"; }

prepare() { # once before the others: tables, and where DVC pushes to
    airflow db migrate
    if [[ -n "${NN2VEC_REMOTE:-}" ]]; then
        python -m dvc remote add --local --force --default storage "$NN2VEC_REMOTE"
        if [[ -n "${NN2VEC_REMOTE_ENDPOINT:-}" ]]; then
            python -m dvc remote modify --local storage endpointurl "$NN2VEC_REMOTE_ENDPOINT"
        fi
    fi
}

write_password() { # of the user admin, where Airflow's simple login looks for it
    (umask 077 && python -c 'import json, os
print(json.dumps({"admin": os.environ["NN2VEC_PASSWORD"]}))' \
        >"$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
}

answers() { # URL
    python -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=20)' "$1"
}

alive() { # SERVICE
    case "$1" in
        api-server) answers "http://127.0.0.1:${AIRFLOW__API__PORT:-8080}/api/v2/monitor/health" ;;
        scheduler) airflow jobs check --local --job-type SchedulerJob ;;
        dag-processor) airflow jobs check --local --job-type DagProcessorJob ;;
        triggerer) airflow jobs check --local --job-type TriggererJob ;;
        worker)
            python -m celery --app airflow.providers.celery.executors.celery_executor.app \
                inspect ping --timeout 20 --destination "celery@$(hostname)"
            ;;
        *) echo "service.sh: unknown service: $1" >&2; exit 2 ;;
    esac
}

case "${1:-}" in
    prepare) prepare ;;
    healthy) alive "${2:-}" ;;
    api-server)
        write_password
        exec python -m airflow api-server --workers "${NN2VEC_API_WORKERS:-1}"
        ;;
    dag-processor) exec python -m airflow dag-processor ;;
    # Logs are written to one folder that every service sees: nobody serves them over HTTP.
    scheduler | triggerer) exec python -m airflow "$1" --skip-serve-logs ;;
    worker)
        exec python -m airflow celery worker --skip-serve-logs \
            --concurrency "${NN2VEC_WORKER_SLOTS:-2}"
        ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
esac

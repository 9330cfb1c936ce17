#!/bin/sh
# web | worker | maintenance | scheduler, or any command of manage.py.
set -eu

case "${1:-web}" in
web)
	python manage.py prepare
	python manage.py collectstatic --noinput --verbosity 0
	exec python -m assistant.config.serve
	;;
worker)
	exec celery --quiet --app assistant.config.celery worker --loglevel INFO \
		--queues fetch --pool prefork --concurrency 2 --without-gossip --without-mingle
	;;
maintenance)
	exec celery --quiet --app assistant.config.celery worker --loglevel INFO \
		--queues ingest,maintenance --pool prefork --concurrency 1 --without-gossip --without-mingle
	;;
scheduler)
	exec celery --quiet --app assistant.config.celery beat --loglevel INFO --pidfile=
	;;
*)
	exec python manage.py "$@"
	;;
esac

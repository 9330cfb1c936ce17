#!/bin/sh
# web | worker | scheduler, or any command of manage.py.
set -eu

case "${1:-web}" in
web)
	python manage.py prepare
	python manage.py collectstatic --noinput --verbosity 0
	exec python -m assistant.config.serve
	;;
worker)
	exec celery --quiet --app assistant.config.celery worker --loglevel INFO \
		--pool prefork --concurrency 2 --without-gossip --without-mingle
	;;
scheduler)
	exec celery --quiet --app assistant.config.celery beat --loglevel INFO --pidfile=
	;;
*)
	exec python manage.py "$@"
	;;
esac

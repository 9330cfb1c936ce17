# Everything from `git clone` to a running system. Needs Python 3.11 or newer, make and a package index.
#
#   make run     installs what is missing, then starts Mundap on http://127.0.0.1:8000/
#   make test    installs what is missing, then runs the checks and all tests
#   make audit   asks for known weaknesses of what is installed; make sbom writes var/sbom.json (CycloneDX)
#   make bench   measures everything, beside other engines: var/bench/report.md (BENCH='--only NAME ...')
#
# Settings come from the environment or from a file .env (see .env.example).

PYTHON = .venv/bin/python
# One more than the cores of a small machine: a third of their time, tests wait for servers and processes.
WORKERS = 3
# Which file comes first: tests/starting_order.py.
PYTEST = $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Folders and files in which no test asks the database (tests/architecture/test_database_tests.py holds them
# to it): once is enough.
WITHOUT_DATABASE = architecture bench common connectors docker index ingest/parsers providers \
	config/test_supervisor.py demo/test_company.py guardrails/test_topics.py guardrails/test_words.py \
	ingest/test_chunking.py ingest/test_sandbox.py retrieval/test_folding.py sync/test_plan.py \
	web/test_tokens.py web/test_translations.py
# Stories that ask the database what those of folders, directories and programs ask it, of other servers.
STORIES_TOLD_ONCE = sources/test_database.py sources/test_dokuwiki.py sources/test_feed.py \
	sources/test_git.py sources/test_imap.py sources/test_mediawiki.py sources/test_s3.py \
	sources/test_sftp.py sources/test_smb.py sources/test_web.py sources/test_webdav.py
# Other people's engines, which `make bench` measures beside ours.
PEERS = var/bench-venv
# What looks the dependencies over.
AUDIT = var/audit-venv
# Compiled modules are kept, whatever the environment says: every worker would rewrite the asserts of all test
# files anew, and every process that a test starts would compile all of ours.
unexport PYTHONDONTWRITEBYTECODE
# Three workers share two cores: threads of torch and NumPy would only wait for each other.
test-default test-postgresql: export OMP_NUM_THREADS = 1
# Tests write here, each run into a folder of its own, never into a person's own installation.
TEST_HOME = $(CURDIR)/var/test

.PHONY: run test check check-types check-rest compiled format bench audit sbom clean \
	environment environment-test test-default test-postgresql

run: environment
	@set -a; if [ -f .env ]; then . ./.env; fi; set +a; exec $(PYTHON) manage.py up

test: environment-test
	@$(MAKE) --no-print-directory --jobs 2 check-types check-rest compiled
	@$(MAKE) --no-print-directory test-default
	@$(MAKE) --no-print-directory test-postgresql

# Types take most of the time and one core; the rest goes on beside them.
check: environment-test
	@$(MAKE) --no-print-directory --jobs 2 check-types check-rest

check-types:
	$(PYTHON) -m mypy --explicit-package-bases .

check-rest:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/lint-imports --no-cache
	.venv/bin/djlint templates --lint --check
	MUNDAP_HOME=$(TEST_HOME) $(PYTHON) manage.py check --fail-level WARNING
	MUNDAP_HOME=$(TEST_HOME) $(PYTHON) manage.py makemigrations --check --dry-run

# Beside the types, on the core that would be idle: once, what each worker of a fresh clone would do for itself.
# All test files are read, their asserts rewritten, and two tests have the index and the encoder compiled.
compiled: check-rest
	MUNDAP_HOME=$(TEST_HOME) $(PYTHON) -m pytest -q -k test_it_is_whole_each_time tests

test-default:
	MUNDAP_HOME=$(TEST_HOME) $(PYTEST) tests

test-postgresql:
	@if [ -n "$$MUNDAP_TEST_DATABASE_URL" ]; then \
		set -x; \
		MUNDAP_HOME=$(TEST_HOME) DATABASE_URL="$$MUNDAP_TEST_DATABASE_URL" \
			$(PYTEST) -m "not browser and not slow" $(addprefix --ignore=tests/,$(WITHOUT_DATABASE) $(STORIES_TOLD_ONCE)) tests; \
	elif [ -n "$$CI" ]; then \
		echo "FAILED: in CI the tests run on PostgreSQL too, but MUNDAP_TEST_DATABASE_URL is not set." >&2; \
		exit 1; \
	else \
		echo "SKIPPED: tests on PostgreSQL. To run them, set MUNDAP_TEST_DATABASE_URL=postgresql://USER@HOST/NAME."; \
	fi

format: environment-test
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	.venv/bin/djlint templates --reformat --quiet

bench: environment-test $(PEERS)/installed
	$(PEERS)/bin/python -m tests.bench.everything $(BENCH)

$(PEERS)/installed: tests/bench/requirements.txt constraints.txt
	$(PYTHON) -m venv $(PEERS)
	@$(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		>"$$($(PEERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mundap.pth"
	$(PEERS)/bin/python -m pip install --quiet --constraint constraints.txt --requirement tests/bench/requirements.txt
	@touch $@

# Advisories come from PyPI, each time this is run and never otherwise.
audit: environment-test $(AUDIT)/installed
	$(PYTHON) -m tests.architecture.dependencies audit $(AUDIT)/bin/pip-audit

sbom: environment-test $(AUDIT)/installed
	@$(PYTHON) -m tests.architecture.dependencies pins >$(AUDIT)/pins.txt
	$(AUDIT)/bin/cyclonedx-py requirements --output-format JSON --output-file var/sbom.json $(AUDIT)/pins.txt

$(AUDIT)/installed: requirements-audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --requirement requirements-audit.txt
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/test $(PEERS) $(AUDIT)

environment:
	@$(FIND_PYTHON); exec "$$python" -m assistant.config.install run

environment-test:
	@$(FIND_PYTHON); exec "$$python" -m assistant.config.install test

# Leaves the first suitable Python in $$python, or ends with one line that says what is missing.
define FIND_PYTHON
python=; lacking=; \
for candidate in python3.11 python3.12 python3.13 python3; do \
	if ! "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then continue; fi; \
	if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python=$$candidate; break; fi; \
	lacking=$$candidate; \
done; \
if [ -z "$$python" ] && [ -n "$$lacking" ]; then \
	echo "$$lacking cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; \
elif [ -z "$$python" ]; then \
	echo "Mundap needs Python 3.11 or newer, and none was found on the PATH." >&2; exit 1; \
fi
endef

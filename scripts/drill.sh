#!/usr/bin/env bash
# The long forms of the tests: scripts/drill.sh kill|race|ledger|contracts|network|search|volume|all. Every step ends in pytest's "N passed".
set -euo pipefail
cd "$(dirname "$0")/.."
export ASSET_HUB_PROFILE=drill
seed=${ASSET_HUB_SEED:-2026}

step() { # step SEED N TEST…
  local own=$1 n=$2
  shift 2
  printf '\n== seed %s, n %s: %s\n' "$own" "$n" "$*"
  ASSET_HUB_SEED=$own .venv/bin/pytest -q -n 0 --timeout 590 --hypothesis-seed "$own" "$@"
}

kill_drill() {
  local round
  for round in 1 2 3 4 5; do
    ASSET_HUB_KILLS=40 step "$((seed + round))" "40 kills" -s \
      tests/ingest/test_kill.py::test_an_intake_survives_being_killed tests/marketplace/test_kill.py
  done
  step "$seed" "20 kills of workers, 1 of a server" \
    tests/core/test_jobs.py::test_killed_workers_lose_and_double_nothing \
    tests/ingest/test_tus.py::test_a_server_killed_in_the_middle_goes_on_with_identical_bytes
}

race_drill() {
  ASSET_HUB_BUYERS=200 step "$seed" "200 buyers" tests/marketplace/test_race.py
  step "$seed" "8 writers, 500 times each" tests/core/test_db.py::test_no_update_of_concurrent_writers_is_lost
  step "$seed" "2 writers" tests/ingest/test_tus.py::test_two_writers_of_one_upload_do_not_mix \
    tests/marketplace/test_pages.py::test_of_two_buyers_at_once_one_is_sold_to_and_the_other_reads_when_it_is_free
}

ledger_drill() {
  step "$seed" "every letter, 5000 mutations" tests/ledger/test_certificates.py
  step "$seed" "5000 pairs of grants" tests/ledger/test_grants.py
  step "$seed" "2000 trees" tests/ledger/test_trees.py
  step "$seed" "every journal row" tests/ledger/test_journal.py
  step "$seed" "10000 prices" tests/marketplace/test_trade.py::test_a_price_computes_again_to_the_same_fen_and_adds_up
}

contracts_drill() {
  step "$seed" "10000 steps of licences, 8000 acts beside the oracle" tests/contracts/test_rights.py
  step "$seed" "10000 calls interleaved" tests/contracts/test_interleaving.py
  step "$seed" "10000 steps of titles" tests/contracts/test_titles.py
  step "$seed" "10000 steps of orders, statements, disputes" \
    tests/contracts/test_settlement.py tests/contracts/test_statements.py tests/contracts/test_disputes.py
}

network_drill() {
  step "$seed" "1200 reorganisations" tests/ledger/test_reorgs.py
  step "$seed" "400 rounds of lies" tests/ledger/test_liars.py
  step "$seed" "50 kills of a back-fill" tests/ledger/test_indexer.py
  step "$seed" "10000 transactions on another engine" \
    tests/ledger/test_replay.py::test_invariant_30_the_journal_gives_the_same_status_gas_and_logs_on_another_engine
  step "$seed" "50 kills of submitters, 20 of changes of keys" -s tests/ledger/test_submit_kill.py
  step "$seed" "10 orders while too few validators live" tests/ledger/test_carry.py
}

search_drill() {
  step "$seed" "6000 documents" tests/search/test_engines.py
  step "$seed" "1000 sets of terms" tests/search/test_availability.py
  step "$seed" "2000 queries" tests/search/test_routes.py::test_nothing_typed_is_an_error tests/search/test_text.py
  step "$seed" "every case" tests/catalogue/test_visibility.py
}

# A year's volume in ten parts on one home, ASSET_HUB_VOLUME transactions in each.
volume_drill() {
  local part home
  home=$(mktemp -d)
  for part in 1 2 3 4 5 6 7 8 9 10; do
    ASSET_HUB_VOLUME_HOME=$home/home step "$seed" "part $part of 10, ${ASSET_HUB_VOLUME:-10000} transactions" -s \
      tests/ledger/test_volume.py
  done
  rm -rf "$home"
}

case "${1:-all}" in
  kill | race | ledger | contracts | network | search | volume) "${1}_drill" ;;
  all) for part in kill race ledger contracts network search volume; do "${part}_drill"; done ;;
  *) echo "drill: kill, race, ledger, contracts, network, search, volume or all" >&2; exit 2 ;;
esac

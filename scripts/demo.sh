#!/usr/bin/env bash
# From nothing to what a year of bills cost. May be run again at any time: what is there is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
export OUTLAY_HOME="$PWD/demo-home"
bills="$PWD/demo-bills"
# Nothing of the caller's: the demo has its own lake, database and spool.
unset OUTLAY_LAKE OUTLAY_CATALOG OUTLAY_SPOOL DATABASE_URL

bold=$'\033[1m' plain=$'\033[0m'
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || bold='' plain=''
say() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }

# Written beside its place first: an interrupted run leaves no half of it.
if [ ! -d "$bills" ]; then
  say "Writing a year of sample bills to demo-bills"
  rm -rf "$bills.unfinished"
  outlay demo "$bills.unfinished" >/dev/null
  mv "$bills.unfinished" "$bills"
fi

say "Connections"
connect() { # kind name option…
  outlay connections show "$2" >/dev/null 2>&1 || outlay connections add "$@" >/dev/null
}
connect anycost simple-cloud --location "$bills/anycost/simple-cloud" --cloud-provider "Simple Cloud"
connect aws fernwick-aws --location "$bills/aws-legacy/cur" --export fernwick-daily
connect aws loftline-aws --location "$bills/aws-cur2/exports" --export loftline-cur2
connect focus nordlicht --location "$bills/focus/nordlicht" --cloud-provider "Nordlicht Cloud" --currency EUR
outlay connections list

say "Bringing the bills in; a second run would find nothing new"
outlay ingest

say "What was spent on the ten dearest services in the last three months"
months=$(($(date -u +%Y) * 12 + 10#$(date -u +%m) - 3))
outlay costs --by ServiceName --top 10 --from "$(printf '%04d-%02d' $((months / 12)) $((months % 12 + 1)))"

say "The billing periods of simple-cloud, each equal to its bill to the cent"
outlay periods simple-cloud

say "Where the lake lies"
outlay lake where

say "Three things to try next"
cat <<NEXT
  export OUTLAY_HOME=$OUTLAY_HOME PATH=$PWD/.venv/bin:\$PATH
  outlay costs --by Tags.team --metric billed --granularity quarter
  outlay sql "select ServiceName, sum(EffectiveCost) as cost from charges group by 1 order by 2 desc limit 5"
  outlay export --focus 1.2 --format csv /tmp/outlay-focus
NEXT

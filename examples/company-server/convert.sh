#!/bin/sh
# One account of the company, from the first look to undo. Give the name of the source in danhba.toml.
# danhba must be on the PATH, danhba.toml in this folder (or named by DANHBA_CONFIG).
set -eu

source=${1:-sales}
log=${2:-$source.jsonl}

echo "== 1. Which books are there, and may we write them?"
danhba sources "$source"

echo "== 2. How does the server behave? A scratch card is made and removed again."
danhba check "$source" --probe

echo "== 3. What would change? Nothing is written. The page is for whoever must agree."
danhba convert "$source" --log "$log"
danhba log "$log" --html "$source.html" --csv "$source.csv"

echo "== 4. Carry out exactly that."
danhba apply "$log"

echo "== 5. A second run finds nothing (exit code 3 would say that it does), and hardly asks."
danhba convert "$source" --check > second.txt

echo "== Should anything be wrong: danhba undo $log"

#!/bin/sh
# A whole round with danhba: look, answer a question, apply, look again, undo.
# Works on a copy in a temporary folder; danhba must be on the PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DANHBA_STATE_DIR="$work/state" DANHBA_LANG=en
cp "$here/khach-hang.vcf" "$work/contacts.vcf"
cd "$work"

echo "== 1. What would change? Nothing is written."
danhba convert contacts.vcf --log plan.jsonl
cmp contacts.vcf "$here/khach-hang.vcf"

echo "== 2. For people: a page, a list of the changes, a list of the questions."
danhba log plan.jsonl --html report.html --csv changes.csv
danhba log plan.jsonl --csv questions.csv
cat questions.csv

echo "== 3. Somebody answers: the number of card kh-016 is the old landline (reading 1)."
sed '/kh-016/s/,.$/,1/' questions.csv > answers.csv
danhba review plan.jsonl --answers answers.csv

echo "== 4. Carry out what was proposed and answered, nothing else."
danhba apply plan.jsonl
diff "$here/khach-hang.vcf" contacts.vcf || true

echo "== 5. A second run has nothing left to change (exit code 3 would say that it has)."
danhba convert contacts.vcf --check > second.txt

echo "== 6. Take everything back: the file is what it was, byte for byte."
danhba undo plan.jsonl
cmp contacts.vcf "$here/khach-hang.vcf"
echo "== Done."

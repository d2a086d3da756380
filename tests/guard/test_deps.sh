#!/bin/bash
# What tools/deps does on a machine where something is missing, with dpkg-query, apt-get, id and sudo played by stubs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

stub() { printf '#!/bin/bash\n%s\n' "$2" >"$dir/bin/$1" && chmod +x "$dir/bin/$1"; }

# machine UID MISSING SUDO: a user number, the packages that are missing, and whether sudo works without a password
machine() {
    rm -rf "$dir/bin" "$dir/asked" && mkdir "$dir/bin"
    stub id "echo $1"
    stub dpkg-query "case \" $2 \" in *\" \${@: -1} \"*) exit 1 ;; *) printf installed ;; esac"
    stub apt-get "echo \"\$*\" >>'$dir/asked'"
    stub sudo "[ $3 = yes ] || exit 1; shift; exec \"\$@\""
}

run() { code=0; said=$(PATH="$dir/bin:$PATH" bash -c '. tools/deps; rfl_install_missing' 2>&1) || code=$?; }

check() {
    if eval "$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED  %s: exit %s, said: %s\n' "$1" "$code" "$said"
    fi
}

machine 0 "" no && run
check "nothing is missing: nothing is asked for" '[ $code = 0 ] && [ ! -e "$dir/asked" ] && [ -z "$said" ]'

machine 0 "liblmdb-dev libcmocka-dev" no && run
check "root installs what is missing, and only that" '[ $code = 0 ] && grep -q "^update" "$dir/asked" &&
    grep -q "^install .* liblmdb-dev libcmocka-dev$" "$dir/asked"'

machine 1000 "liblmdb-dev" yes && run
check "a user with sudo installs through it" '[ $code = 0 ] && grep -q "^install .* liblmdb-dev$" "$dir/asked"'

machine 1000 "liblmdb-dev" no && run
check "a user without sudo is told the one line, exit 69" '[ $code = 69 ] && [ ! -e "$dir/asked" ] &&
    [[ $said == *"sudo apt-get update && sudo apt-get install --no-install-recommends -y liblmdb-dev"* ]]'

for program in tools/test tools/demo .ci/run; do
    bash -n "$program" || failed=$((failed + 1))
done
code=0; said=$(tools/test --only nothing 2>&1) || code=$?
check "an unknown group is wrong use" '[ $code = 64 ] && [[ $said == *"unit journey policy sim crash fuzz e2e security guard bench main"* ]]'
code=0; said=$(tools/demo --referrals many 2>&1) || code=$?
check "a count that is no number is wrong use" '[ $code = 64 ]'

echo "checks: $passed passed, $failed failed"
[ "$failed" -eq 0 ]

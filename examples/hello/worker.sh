#!/bin/sh
# Works through job after job. Every fifth one goes wrong: that is news for stderr.

goodbye() {
    trap '' INT TERM
    echo "$PS gives job $job back. Goodbye!"
    kill "$nap" 2>/dev/null
    exit 0
}
trap goodbye INT TERM

job=1
echo "$WELCOME I am $PS, and I have work to do"
while :; do
    sleep 2 & nap=$!
    wait "$nap" 2>/dev/null
    if [ $((job % 5)) -eq 0 ]; then
        echo "job $job is stuck, leaving it to a friend" >&2
    else
        echo "job $job done"
    fi
    job=$((job + 1))
done

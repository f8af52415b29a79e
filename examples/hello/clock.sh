#!/bin/sh
# Knows what time it is. One clock is enough: never start two.

goodbye() {
    trap '' INT TERM
    echo "$PS stops ticking. Goodbye!"
    kill "$nap" 2>/dev/null
    exit 0
}
trap goodbye INT TERM

echo "$WELCOME I am $PS, and it is $(date +%H:%M:%S)"
tick=tick
while :; do
    sleep 3 & nap=$!
    wait "$nap" 2>/dev/null
    echo "$tick"
    if [ "$tick" = tick ]; then tick=tock; else tick=tick; fi
done

#!/bin/sh
# A web server would listen on $PORT. This one only tells you so.

goodbye() {
    trap '' INT TERM
    echo "$PS closes port $PORT. Goodbye!"
    kill "$nap" 2>/dev/null
    exit 0
}
trap goodbye INT TERM

echo "$WELCOME I am $PS, and port $PORT is mine"
page=0
while :; do
    sleep 1 & nap=$!
    wait "$nap" 2>/dev/null     # a shell hears signals while it waits, not while a child runs in front
    page=$((page + 1))
    echo "page $page, served on port $PORT"
done

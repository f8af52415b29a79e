"""The process type `web`: the shop front, served by gunicorn on $PORT.

It keeps nothing in memory between two requests (factor VI): orders are in redis, and what it knows about a visitor is
in the visitor's cookie. So any of several web processes can answer any request.
"""

import os

from flask import Flask, Response, jsonify, render_template, session
from flask.typing import ResponseReturnValue

from shop import settings, store
from shop.process import NAME, say

config = settings.read_or_exit()
patient = store.connect(config.redis_url, patient=True)
impatient = store.connect(config.redis_url)

app = Flask(__name__)
app.secret_key = config.secret_key


@app.get("/")
def front() -> str:
    """The shop front, and which process shows it."""
    return render_template(
        "front.html",
        shop_name=config.shop_name,
        name=NAME,
        port=os.environ.get("PORT", "?"),
        catalogue=store.catalogue(patient),
        orders=store.shipped_orders(patient)[-20:],
        last_order=session.get("last_order"),
    )


@app.get("/healthz")
def health() -> ResponseReturnValue:
    """Ready to serve? Answers at once; 503 while there is no redis."""
    try:
        impatient.ping()
    except store.GONE:
        return jsonify(status="no redis", ps=NAME), 503
    return jsonify(status="ok", ps=NAME)


@app.post("/orders")
def order() -> ResponseReturnValue:
    """Takes an order; a worker ships it later."""
    number = store.take_order(patient, NAME)
    say(f"took order {number}")
    session["last_order"] = number
    return jsonify(order=number, ps=NAME), 201


@app.get("/orders")
def orders() -> Response:
    """The orders that have been shipped."""
    return jsonify(orders=store.shipped_orders(patient), ps=NAME)


@app.errorhandler(store.GONE[0])
@app.errorhandler(store.GONE[1])
def redis_is_gone(_error: Exception) -> ResponseReturnValue:
    """Ten seconds of trying were not enough."""
    return jsonify(error="the shop cannot reach its redis", ps=NAME), 503

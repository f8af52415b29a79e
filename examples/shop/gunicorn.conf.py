"""How gunicorn runs the web process. Address and access log are in the Procfile; nothing here depends on the place."""

from shop.process import say

workers = 1  # to scale out, start more web processes (factor VIII)
threads = 4
preload_app = True  # a configuration error ends the process instead of having its worker started again and again
graceful_timeout = 3  # seconds for requests in progress at SIGTERM: well within proc's five
timeout = 30
control_socket_disable = True
loglevel = "warning"
access_log_format = "%(r)s %(s)s %(M)sms"


def when_ready(server: object) -> None:
    """Called when the port is open."""
    say("is open at " + ", ".join(str(listener) for listener in server.LISTENERS))


def on_exit(_server: object) -> None:
    """Called when all requests have been answered."""
    say("closed")

"""How gunicorn runs the web process. Address and access log are in the Procfile; nothing here depends on the place."""

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger as GunicornLogger

from shop.process import say

workers = 1  # to scale out, start more web processes (factor VIII)
threads = 4
preload_app = True  # a configuration error ends the process instead of having its worker started again and again
graceful_timeout = 2  # seconds that open connections and requests in progress get at SIGTERM: well within five
timeout = 30
control_socket_disable = True
loglevel = "warning"
access_log_format = "%(r)s %(s)s %(M)sms"


class Logger(GunicornLogger):
    """Leaves the probes out of the access log: they come every other second, and what they find proc says."""

    def access(self, resp, req, environ, request_time):  # type: ignore[no-untyped-def]
        if environ.get("PATH_INFO") != "/healthz":
            super().access(resp, req, environ, request_time)


logger_class = Logger


def when_ready(server: Arbiter) -> None:
    """Called when the port is open."""
    say("is open at " + ", ".join(str(listener) for listener in server.LISTENERS))


def on_exit(_server: Arbiter) -> None:
    """Called when all requests have been answered."""
    say("closed")

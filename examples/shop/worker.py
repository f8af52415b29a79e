"""The process type `worker`: takes jobs from the queue, one at a time. Start as many as there is work for.

While redis lives no job is lost. On SIGTERM (factor IX) the worker finishes the one in its hands, takes no other, and
exits with code 0. If it is killed instead, another worker finds its job about twenty seconds later and does it.
"""

import os
import signal

from redis import Redis
from rq import SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.job import Job

from shop import settings, store
from shop.process import NAME, say


class Worker(SimpleWorker):
    """An RQ worker that does its jobs in its own process and takes one stop signal for what it says: finish and go.

    RQ's own loop raises an exception out of its signal handler, possibly between the moment redis hands out a job and
    the moment the worker knows of it. This one only sets a flag, and waits for jobs a second at a time.
    """

    def __init__(self, db: Redis) -> None:
        """A worker with a name of its own, told apart from an earlier worker.1 by its pid."""
        super().__init__([store.queue(db)], name=f"{NAME}-{os.getpid()}", connection=db, maintenance_interval=10)
        self.stopping = False
        self.job_in_hand: Job | None = None

    def get_heartbeat_ttl(self, job: Job) -> int:
        """A job that has not ended this many seconds after its start is given to another worker."""
        return int(job.timeout or 10) + 5

    def ask_to_stop(self, *_: object) -> None:
        """The signal handler."""
        if self.job_in_hand and not self.stopping:
            say("was asked to stop, finishes its job first")
        self.stopping = True

    def run(self) -> None:
        """Does jobs until it is told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask_to_stop)
        self.register_birth()
        say("is ready for work")
        while not self.stopping:
            try:
                self.run_once()
            except store.GONE:
                if self.job_in_hand:
                    say(f"could not report {self.job_in_hand.id}: redis is gone")
                    self.job_in_hand = None
                self.wait_for_redis()
        try:
            self.register_death()
        except store.GONE:
            pass  # redis was stopped as well and keeps no list of workers any more
        say("stopped")

    def run_once(self) -> None:
        """Waits a second for a job; does it if one comes."""
        self.heartbeat()
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()
        try:
            found = self.queue_class.dequeue_any(self.queues, 1, connection=self.connection)
        except DequeueTimeout:
            return
        if found:
            self.job_in_hand = found[0]
            self.execute_job(*found)
            self.job_in_hand = None

    def wait_for_redis(self) -> None:
        """After redis went away. A redis that comes back empty has to be told again who works here."""
        store.wait(self.connection, unless=lambda: self.stopping)
        if not self.stopping and not self.connection.exists(self.key):
            self.register_birth()

    def handle_exception(self, job: Job, *exc_info: object) -> None:
        """A job that failed is worth a traceback, unless it failed for want of redis."""
        if not isinstance(exc_info[1], store.GONE):
            super().handle_exception(job, *exc_info)


def main() -> None:
    """Waits for redis, then for jobs."""
    db = store.connect(settings.read_or_exit().redis_url)
    store.wait(db)
    Worker(db).run()


if __name__ == "__main__":
    main()

"""`amends run` with short leases and looks, so that a test need not wait minutes after a kill."""

import sys
from datetime import timedelta

import domain.reply
import monitor.listen
import monitor.triage
import monitor.understand
import responders.deliver
import responders.prepare
import workers.clock
import workers.jobs
from workers.cli import main

SHORT = timedelta(seconds=2)

monitor.listen.LEASE = workers.jobs.LEASE = SHORT
monitor.understand.LEASE = monitor.triage.RETRY = monitor.understand.RETRY = SHORT
responders.prepare.LEASE = responders.prepare.RETRY = SHORT
responders.deliver.LEASE = responders.deliver.TRY_AGAIN = SHORT
domain.reply.LOOKS = (1, 1, 1)
domain.reply.BACK_OFF = (1,)
workers.clock.TICK_S = 0.05
workers.clock.PACE_S.update(dict.fromkeys(workers.clock.PACE_S, 0.1))

if __name__ == "__main__":
    sys.argv = ["amends", *sys.argv[1:]]
    main()

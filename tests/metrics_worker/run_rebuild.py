"""A rebuild in a process of its own, on topics of a test. Ends with 1 when it could not be done."""

import asyncio
import json
import sys
from dataclasses import asdict

from bus.errors import Retryable
from metrics_worker.rebuild.with_progress import rebuilt
from metrics_worker.snapshot import Names
from tests.metrics_worker.run_worker import settings_of

if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    try:
        done = asyncio.run(rebuilt(settings_of(told), names=Names(**told["names"]), processes=int(sys.argv[2]) or None))
        json.dump(asdict(done), sys.stdout)
    except Retryable as error:
        sys.exit(str(error))

"""What the client does all day, beside the limit it runs into."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from rein.btc import curve, message
from rein.btc.hashes import sha256
from rein.protocol.orders import fold
from rein.protocol.signed import verify
from tests.benchmarks.figures import Figure, rate
from tests.support.people import delivery, person, story

_SECONDS = 0.5
_HELP_RUNS = 5
_DELIVERIES = 200


def figures() -> list[Figure]:
    """Signing, verifying, reading and folding, as ratios to bare curve operations of the same run."""
    key, told = person("Bob").delegate, story()
    digest = sha256(b"limit")
    recid, r_s = curve.sign_recoverable(key.secret, digest)
    recover = rate(partial(curve.recover, digest, recid, r_s, True), _SECONDS)
    sign = rate(partial(curve.sign_recoverable, key.secret, digest), _SECONDS)
    signature = message.sign(key, told.job.text)
    documents = [told.bid, told.offer, *_many_deliveries()]
    return [
        Figure("curve: signatures recovered", recover, "a second", recover),
        Figure(
            "message.verify",
            rate(partial(message.verify, told.job.address, told.job.text, signature), _SECONDS),
            "a second",
            recover,
        ),
        Figure("message.sign", rate(partial(message.sign, key, told.job.text), _SECONDS), "a second", sign),
        Figure("documents verified and read", rate(partial(verify, told.job.armored), _SECONDS), "a second", recover),
        Figure(
            f"documents folded ({len(documents)} an order)",
            len(documents) * rate(partial(fold, told.job, documents, told.enrollments), _SECONDS),
            "a second",
            recover,
        ),
        Figure("rein --help", 1000 * _best(_help), "ms", 1000 * _best(_bare_python)),
    ]


def _many_deliveries() -> list[object]:
    told = story()
    last = told.delivery
    chain = [last]
    for _ in range(_DELIVERIES):
        last = delivery(told.worker, last)
        chain.append(last)
    return list(chain)


def _best(run: Callable[[], None]) -> float:
    times = []
    for _ in range(_HELP_RUNS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def _help() -> None:
    subprocess.run([sys.executable, "-m", "rein", "--help"], check=True, stdout=subprocess.DEVNULL)


def _bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)

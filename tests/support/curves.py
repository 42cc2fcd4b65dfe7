"""The implementations of the curve that are installed: coincurve has no wheels for some platforms and versions."""

from __future__ import annotations

from importlib.util import find_spec

from rein.btc import _ecdsa

BACKENDS = [_ecdsa]

if find_spec("coincurve") is not None:
    from rein.btc import _coincurve

    BACKENDS.insert(0, _coincurve)

"""Bitcoin itself: keys, addresses, signed messages, scripts, transactions and PSBTs.

Everything here is pure: no file, no network, no clock; the Bitcoin network is always an argument. This is the
only package that imports python-bitcoinlib, ecdsa, coincurve and embit, and nothing of theirs leaks out of it:
what goes in and comes out are bytes, str, int and the frozen classes defined here; what goes wrong is an error
of `rein.errors`.

Import the module you need (`from rein.btc import message`): nothing is gathered here, so that verifying a
document does not load a wallet library.
"""

"""Both curve backends, held equal to each other and to the hostile cases Project Wycheproof is known for."""

import hashlib
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.btc import _der, _ecdsa, curve
from rein.errors import KeyMaterialError
from tests.support.curves import BACKENDS

N = curve.ORDER
P = 2**256 - 2**32 - 977
G_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798

SECRETS = st.integers(min_value=1, max_value=N - 1).map(lambda number: number.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32)
# Random bytes, and numbers on the edges of every range a verifier checks.
NUMBERS = DIGESTS | st.sampled_from(
    [
        n.to_bytes(32, "big")
        for n in (0, 1, 2, N // 2, N // 2 + 1, N - 1, N, N + 1, P - N - 1, P - N, P - 1, P, 2**256 - 1)
    ]
)


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.NAME)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`rein.btc.curve` over each backend in turn."""
    monkeypatch.setattr(curve, "_backend", lambda: request.param)
    return request.param  # type: ignore[no-any-return]


def both(function: str, *arguments: object) -> object:
    """The one answer both backends give."""
    answers = [getattr(module, function)(*arguments) for module in BACKENDS]
    assert answers == [answers[0]] * len(BACKENDS)
    return answers[0]


def test_coincurve_is_chosen_where_it_is_installed() -> None:
    assert BACKENDS[0].NAME == curve._backend().NAME


def test_ecdsa_is_chosen_where_coincurve_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    import rein.btc

    monkeypatch.delattr(rein.btc, "_coincurve", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "rein.btc._coincurve", None)
    assert curve._backend.__wrapped__() is _ecdsa


@given(SECRETS, st.booleans())
def test_public_keys_are_equal(secret: bytes, compressed: bool) -> None:
    key = both("public_key", secret, compressed)
    assert both("is_on_curve", key) is True


@given(SECRETS, DIGESTS)
@example(number(1), number(0))
@example(number(N - 1), number(2**256 - 1))
@example(number(7), number(N))
@example(number(7), number(N + 1))
def test_signatures_are_equal_and_verify(secret: bytes, digest: bytes) -> None:
    key = both("public_key", secret, True)
    recid, r_s = both("sign_recoverable", secret, digest)  # type: ignore[misc]
    der = both("sign_der", secret, digest)
    assert _der.decode(der) == (int.from_bytes(r_s[:32], "big"), int.from_bytes(r_s[32:], "big"))  # type: ignore[arg-type]
    assert len(der) <= 71  # type: ignore[arg-type]
    assert int.from_bytes(r_s[32:], "big") <= N // 2
    assert both("recover", digest, recid, r_s, True) == key
    assert both("verify_der", key, digest, der) is True


@given(SECRETS, SECRETS)
@example(number(1), number(1))
@example(number(N - 1), number(2))
def test_both_sides_of_a_key_agreement_get_the_same_from_either_backend(one: bytes, other: bytes) -> None:
    from_one = both("ecdh", one, both("public_key", other, True))
    assert from_one == both("ecdh", other, both("public_key", one, False))
    product = int.from_bytes(one, "big") * int.from_bytes(other, "big") % N
    assert from_one == hashlib.sha256(curve.public_key(number(product))).digest()


@given(SECRETS, st.sampled_from([2, 3]), NUMBERS)
def test_key_agreement_is_equal_on_anything(secret: bytes, first: int, x: bytes) -> None:
    key = bytes([first]) + x
    assert (both("ecdh", secret, key) is None) is not curve.is_valid_public_key(key)


@given(SECRETS, SECRETS)
@example(number(1), number(1))
@example(number(N - 1), number(1))
def test_the_key_of_a_sum_is_equal_and_right(one: bytes, other: bytes) -> None:
    total = (int.from_bytes(one, "big") + int.from_bytes(other, "big")) % N
    expected = curve.public_key(number(total)) if total else None
    assert both("add_secret", both("public_key", one, True), other) == expected
    assert curve.add_secret(curve.public_key(one, False), other) == expected


def test_nothing_is_added_to_what_is_no_key() -> None:
    assert curve.add_secret(b"\2" + number(5), number(1)) is None, "there is no point of this x"
    assert curve.add_secret(curve.public_key(number(1)), number(N)) is None
    assert curve.add_secret(b"", number(1)) is None


@given(DIGESTS, st.integers(min_value=0, max_value=3), NUMBERS, NUMBERS, st.booleans())
def test_recovery_is_equal_on_anything(digest: bytes, recid: int, r: bytes, s: bytes, compressed: bool) -> None:
    key = both("recover", digest, recid, r + s, compressed)
    assert key is None or both("is_on_curve", key) is True


@given(st.integers(min_value=1, max_value=100_000), st.integers(min_value=2, max_value=3), NUMBERS, DIGESTS)
@example(1, 2, number(1), number(5))
def test_recovery_ids_2_and_3_are_equal(r: int, recid: int, s: bytes, digest: bytes) -> None:
    """x = r + n: one signature in 2**127 has it by chance, anybody can make one on purpose."""
    key = both("recover", digest, recid, number(r) + s, True)
    low_s = min(int.from_bytes(s, "big"), N - int.from_bytes(s, "big"))
    if key is not None:
        assert both("verify_der", key, digest, _der.encode(r, low_s)) is True


@given(SECRETS, DIGESTS, DIGESTS)
def test_verification_is_equal_on_another_digest(secret: bytes, digest: bytes, other: bytes) -> None:
    key = both("public_key", secret, False)
    signature = both("sign_der", secret, digest)
    assert both("verify_der", key, other, signature) is (other == digest)


@given(st.sampled_from([2, 3]), NUMBERS, NUMBERS)
def test_curve_membership_is_equal(first: int, x: bytes, y: bytes) -> None:
    both("is_on_curve", bytes([first]) + x)
    both("is_on_curve", b"\x04" + x + y)


@given(st.binary(max_size=80), st.binary(max_size=40), st.binary(max_size=80))
def test_the_front_never_raises_on_a_strangers_bytes(key: bytes, digest: bytes, signature: bytes) -> None:
    assert curve.verify_der(key, digest, signature) is False
    assert curve.recover(digest, 0, signature, True) is None or len(digest) == 32
    assert (curve.ecdh(number(7), key) is None) is not curve.is_valid_public_key(key)


@pytest.mark.usefixtures("backend")
class TestFront:
    """What `rein.btc.curve` promises, whichever backend answers."""

    @pytest.mark.parametrize("secret", [b"", bytes(32), number(N), number(N + 1), b"\xff" * 32, b"\1" * 31, b"\1" * 33])
    def test_secrets_refused(self, secret: bytes) -> None:
        assert not curve.is_valid_secret(secret)
        for call in (
            lambda: curve.public_key(secret),
            lambda: curve.sign_der(secret, bytes(32)),
            lambda: curve.sign_recoverable(secret, bytes(32)),
        ):
            with pytest.raises(KeyMaterialError):
                call()

    def test_generator(self) -> None:
        assert curve.public_key(number(1)) == b"\x02" + number(G_X)

    def test_a_digest_of_another_length_is_our_mistake(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            curve.sign_der(number(1), b"short")

    @pytest.mark.parametrize("first", [0, 1, 5, 6, 7, 0xFF])
    def test_other_first_bytes_are_refused(self, first: int) -> None:
        """06 and 07 are the hybrid keys coincurve would accept."""
        key = curve.public_key(number(1), compressed=False)
        assert curve.is_valid_public_key(key)
        assert not curve.is_valid_public_key(bytes([first]) + key[1:])
        assert not curve.is_valid_public_key(bytes([first]) + key[1:33])
        assert not curve.verify_der(bytes([first]) + key[1:], bytes(32), curve.sign_der(number(1), bytes(32)))

    @pytest.mark.parametrize(
        "key",
        [
            b"", b"\0", b"\2", b"\2" + bytes(31), b"\2" + bytes(33), b"\2" + number(5), b"\2" + number(P),
            b"\2" + number(P + 1), b"\4" + bytes(64), b"\4" + number(G_X) + number(1), b"\4" + number(G_X),
        ],
    )  # fmt: skip
    def test_what_is_no_point_is_refused(self, key: bytes) -> None:
        assert not curve.is_valid_public_key(key)
        assert not curve.verify_der(key, bytes(32), curve.sign_der(number(1), bytes(32)))

    def test_recovery_at_infinity(self) -> None:
        """s R = z G: the recovered key would be the point at infinity."""
        k, s = 3, 5
        r_s = number(int.from_bytes(curve.public_key(number(k))[1:], "big")) + number(s)
        recid = curve.public_key(number(k))[0] & 1
        assert curve.recover(number(s * k), recid, r_s, True) is None
        assert curve.recover(number(s * k + 1), recid, r_s, True) is not None

    def test_verification_at_infinity(self) -> None:
        """u1 G + u2 Q = 0: ecdsa alone raises TypeError."""
        secret, r = 7, 11
        digest = number(N - r * secret)
        assert not curve.verify_der(curve.public_key(number(secret)), digest, _der.encode(r, 1))

    @pytest.mark.parametrize("recid", [-1, 4, 27, 255])
    def test_other_recovery_ids_are_none(self, recid: int) -> None:
        _, r_s = curve.sign_recoverable(number(9), bytes(32))
        assert curve.recover(bytes(32), recid, r_s, True) is None

    @pytest.mark.parametrize("r_s", [b"", bytes(64), bytes(63), number(N) + number(1), number(1) + number(N)])
    def test_zero_or_large_numbers_are_none(self, r_s: bytes) -> None:
        for recid in range(4):
            assert curve.recover(bytes(32), recid, r_s, True) is None

    def test_high_s_is_recovered_but_not_verified(self) -> None:
        digest = number(12345)
        recid, r_s = curve.sign_recoverable(number(9), digest)
        r, s = int.from_bytes(r_s[:32], "big"), int.from_bytes(r_s[32:], "big")
        key = curve.public_key(number(9))
        assert curve.recover(digest, recid ^ 1, number(r) + number(N - s), True) == key
        assert curve.verify_der(key, digest, _der.encode(r, s))
        assert not curve.verify_der(key, digest, _der.encode(r, N - s))

    def test_only_strict_der_verifies(self) -> None:
        digest, key = number(12345), curve.public_key(number(9))
        good = curve.sign_der(number(9), digest)
        assert curve.verify_der(key, digest, good)
        for bad in malformed(good):
            assert not curve.verify_der(key, digest, bad), bad.hex()


def malformed(der: bytes) -> list[bytes]:
    """The same r and s in spellings that are not DER, and DER of numbers out of range."""
    r, s = _der.decode(der) or (0, 0)
    r_item, s_item = _der._encode_integer(r), _der._encode_integer(s)

    def sequence(body: bytes) -> bytes:
        return b"\x30" + bytes([len(body)]) + body

    def padded(item: bytes) -> bytes:
        return b"\x02" + bytes([item[1] + 1]) + b"\0" + item[2:]

    return [
        b"",
        der[:-1],
        der + b"\0",
        b"\x31" + der[1:],
        b"\x30\x81" + der[1:],  # long-form length
        b"\x30\x80" + der[2:] + b"\0\0",  # indefinite length
        b"\x30" + bytes([der[1] - 1]) + der[2:],
        b"\x30" + bytes([der[1] + 1]) + der[2:],
        sequence(padded(r_item) + s_item),
        sequence(r_item + padded(s_item)),
        sequence(b"\x03" + r_item[1:] + s_item),
        sequence(r_item + b"\x03" + s_item[1:]),
        sequence(b"\x02\x81" + r_item[1:] + s_item),
        sequence(r_item + s_item + b"\x05\x00"),
        sequence(r_item + s_item) + b"\x05\x00",
        sequence(b"\x02\x00" + s_item),
        sequence(r_item + b"\x02\x00"),
        sequence(r_item),
        sequence(b"\x02\x01\x00" + s_item),
        sequence(r_item + b"\x02\x01\x00"),
        sequence(b"\x02\x01\xff" + s_item),  # negative
        _der.encode(r + N, s),
        _der.encode(r, s + N),
        _der.encode(N, s),
        _der.encode(r, N),
        _der.encode(2**256 + r, s),
    ]


@given(st.integers(min_value=1, max_value=N - 1), st.integers(min_value=1, max_value=N - 1))
def test_der_round_trip(r: int, s: int) -> None:
    assert _der.decode(_der.encode(r, s)) == (r, s)


@given(st.binary(max_size=80))
def test_der_decodes_only_what_it_encodes(data: bytes) -> None:
    numbers = _der.decode(data)
    assert numbers is None or _der.encode(*numbers) == data

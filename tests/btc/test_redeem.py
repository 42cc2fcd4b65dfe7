"""Redeem scripts of 2016: just those are recognised, and no script of today grows more tolerant by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2sh_address
from rein.btc.networks import MAINNET, TESTNET4
from rein.btc.redeem import MAX_REDEEM_SCRIPT, form_keys, is_enough, push, read_redeem_script, script_sig_bytes
from rein.btc.script import MandatoryMultisig, Multisig, multisig_script, parse_mandatory_multisig, parse_multisig
from rein.errors import InputError, KeyMaterialError
from tests.support.old_escrows import ALICE, BOB, CHARLIE, ENOUGH, PEOPLE, keys, mediators, primary, scripts

UNCOMPRESSED = ["", "C", "M", "W", "CMW"]


@pytest.mark.parametrize("uncompressed", UNCOMPRESSED)
def test_every_form_is_recognised(uncompressed: str) -> None:
    creator, mediator, worker = (keys(uncompressed)[name].public_key for name in "CMW")
    found = {name: read_redeem_script(script) for name, script in scripts(uncompressed).items()}
    assert found == {
        "primary": Multisig((creator, mediator, worker), 2),
        "primary of January": Multisig((worker, creator, mediator), 2),
        "mediator's": MandatoryMultisig(mediator, (creator, worker), 1),
        "mediator's of January": MandatoryMultisig(mediator, (creator, worker), 2),
    }


@pytest.mark.parametrize("uncompressed", UNCOMPRESSED)
@pytest.mark.parametrize("kind", list(ENOUGH))
def test_who_is_enough(kind: str, uncompressed: str) -> None:
    form = read_redeem_script(scripts(uncompressed)[kind])
    people = keys(uncompressed)
    for who in ("", "C", "M", "W", "X", "CM", "CW", "MW", "CX", "MX", "CMW"):
        assert is_enough(form, [people[name].public_key for name in who]) == (who in ENOUGH[kind])


def test_the_worked_example_of_2016() -> None:
    first, second = primary(BOB, ALICE, CHARLIE), mediators(ALICE, BOB, CHARLIE)
    assert [p2sh_address(first, network) for network in (MAINNET, TESTNET4)] == [
        "3N4QuG2ATHyXVocMKzrCgsDqrHUC7PAFH1",
        "2NDccxzxC4kUshbEu18U5JpD74dgMwssBXc",
    ]
    assert [p2sh_address(second, network) for network in (MAINNET, TESTNET4)] == [
        "3DX1A3cErSnM58kTsiWFNwjxiQWm3WmGQb",
        "2N55DDnYGTuHhGvP1Yr87ztjDvkivqfp9Ze",
    ]


def test_what_is_made_today_goes_on_to_refuse_uncompressed_keys() -> None:
    for script in scripts("C").values():
        assert parse_multisig(script) is None
        assert parse_mandatory_multisig(script) is None
    with pytest.raises(KeyMaterialError):
        multisig_script(2, [keys("C")[name].public_key for name in "CMW"])


C, M, W = (PEOPLE[name].public_key for name in "CMW")
OTHER_C = keys("C")["C"].public_key
ODD = {
    "empty": b"",
    "P2PKH": b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
    "one of three": b"\x51" + primary(C, M, W)[1:],
    "three of three": b"\x53" + primary(C, M, W)[1:],
    "says it has four keys": primary(C, M, W)[:-2] + b"\x54\xae",
    "two of two": b"\x52" + push(C) + push(M) + b"\x52\xae",
    "CHECKMULTISIGVERIFY": primary(C, M, W)[:-1] + b"\xaf",
    "CHECKSIG": mediators(M, C, W).replace(b"\xad", b"\xac", 1),
    "none of two": mediators(M, C, W, threshold=0),
    "three of two": mediators(M, C, W, threshold=3),
    "something after it": primary(C, M, W) + b"\x61",
    "something after the mediator's": mediators(M, C, W) + b"\x75",
    "a code separator before it": b"\xab" + primary(C, M, W),
    "a long push": b"\x52\x4c" + primary(C, M, W)[1:],
    "cut short": primary(C, M, W)[:-1],
    "too long": primary(C, M, W) + b"\x61" * MAX_REDEEM_SCRIPT,
    "a hybrid key": primary(b"\x06" + OTHER_C[1:], M, W),
    "no point of the curve": primary(b"\x02" + b"\xff" * 32, M, W),
    "a key twice": primary(C, C, W),
    "a key twice, written in two ways": primary(C, M, OTHER_C),
    "the mediator as a party too": mediators(M, M, W),
}


@pytest.mark.parametrize("name", ODD)
def test_everything_else_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        read_redeem_script(ODD[name])


@given(st.sampled_from(sorted(scripts())), st.sampled_from(["", "C", "CMW"]), st.integers(0), st.binary(max_size=3))
def test_no_other_bytes_are_read_as_the_same(kind: str, uncompressed: str, place: int, piece: bytes) -> None:
    """A script that is read at all holds its keys in full and nothing else."""
    script = scripts(uncompressed)[kind]
    place %= len(script)
    changed = script[:place] + piece + script[place + len(piece) :]
    try:
        form = read_redeem_script(changed)
    except InputError:
        return
    if isinstance(form, MandatoryMultisig):
        assert mediators(form.mandatory, *form.keys, threshold=form.threshold) == changed
    else:
        assert primary(*form.keys) == changed


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(InputError):
        read_redeem_script(data)


@pytest.mark.parametrize(("length", "head"), [(1, "01"), (75, "4b"), (76, "4c4c"), (105, "4c69"), (255, "4cff")])
def test_pushes_are_the_shortest(length: int, head: str) -> None:
    assert push(b"\xaa" * length) == bytes.fromhex(head) + b"\xaa" * length


def test_the_longest_script_there_is_fits_every_limit() -> None:
    longest = max((script for script in scripts("CMW").values()), key=len)
    assert len(longest) == 202 < MAX_REDEEM_SCRIPT
    assert all(script_sig_bytes(read_redeem_script(script), script) <= 1650 for script in scripts("CMW").values()), (
        "Bitcoin Core relays no scriptSig above 1,650 bytes"
    )
    assert len(form_keys(read_redeem_script(longest))) == 3

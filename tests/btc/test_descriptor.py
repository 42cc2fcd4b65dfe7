"""Escrow scripts and their descriptors; embit's descriptor compiler gives the second opinion."""

from collections.abc import Callable

import pytest
from embit.descriptor import Descriptor
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import curve, script
from rein.btc.descriptor import descriptor_of, with_checksum, witness_script_of
from rein.btc.keys import PrivateKey
from rein.errors import InputError, KeyMaterialError, ReinError

C, M, W = (PrivateKey(bytes([number]) * 32).public_key for number in (0x11, 0x12, 0x13))
MULTI = f"wsh(multi(2,{C.hex()},{M.hex()},{W.hex()}))"
MANDATORY = f"wsh(and_v(v:pk({M.hex()}),multi(1,{C.hex()},{W.hex()})))"

KEYS = st.lists(
    st.integers(min_value=1, max_value=curve.ORDER - 1).map(lambda n: PrivateKey(n.to_bytes(32, "big")).public_key),
    min_size=2,
    max_size=6,
    unique=True,
)


def test_bytes_of_the_two_scripts() -> None:
    push = [b"\x21" + key for key in (C, M, W)]
    assert witness_script_of(MULTI) == b"\x52" + push[0] + push[1] + push[2] + b"\x53\xae"
    assert witness_script_of(MANDATORY) == push[1] + b"\xad\x51" + push[0] + push[2] + b"\x52\xae"


def test_bip380_checksum() -> None:
    """The example of BIP380's test vectors is of a form refused here, so: Bitcoin Core's doc/descriptors.md."""
    key = "03acd484e2f0c7f65309ad178a9f559abde09796974c57e714c35f110dfc27ccbe"
    assert with_checksum(f"pk({key})").count("#") == 1
    assert with_checksum("raw(deadbeef)") == "raw(deadbeef)#89f8spxm"


@given(KEYS, st.data())
def test_embit_compiles_the_same(keys: list[bytes], data: st.DataObject) -> None:
    mandatory, *others = keys
    threshold = data.draw(st.integers(min_value=1, max_value=len(others)))
    multi = f"multi({threshold},{','.join(key.hex() for key in others)})"
    for text in (f"wsh({multi})", f"wsh(and_v(v:pk({mandatory.hex()}),{multi}))"):
        compiled = witness_script_of(text)
        embits = Descriptor.from_string(text)
        assert compiled == embits.witness_script().data
        assert with_checksum(text) == descriptor_of(compiled)
        assert witness_script_of(with_checksum(text)) == compiled
        assert set(script.script_keys(compiled)) == set(others) | ({mandatory} if "and_v" in text else set())
    assert script.parse_multisig(script.multisig_script(threshold, others)) == (tuple(others), threshold)
    assert script.parse_mandatory_multisig(script.mandatory_multisig_script(mandatory, threshold, others)) == (
        mandatory,
        tuple(others),
        threshold,
    )


def change(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


UNCOMPRESSED = PrivateKey(b"\x11" * 32, compressed=False).public_key.hex()
JUNK = {
    "nothing": "",
    "not wsh": change(MULTI, "wsh", "sh"),
    "sh(wsh())": f"sh({MULTI})",
    "bare": MULTI[4:-1],
    "sorted": change(MULTI, "multi", "sortedmulti"),
    "taproot": change(change(MULTI, "wsh", "tr"), "multi", "multi_a"),
    "space": change(MULTI, ",", ", "),
    "newline": MULTI + "\n",
    "one more bracket": MULTI + ")",
    "upper case": MULTI.upper(),
    "threshold 0": change(MULTI, "(2,", "(0,"),
    "threshold 02": change(MULTI, "(2,", "(02,"),
    "threshold -1": change(MULTI, "(2,", "(-1,"),
    "threshold above the keys": change(MULTI, "(2,", "(4,"),
    "threshold in Arabic": change(MULTI, "(2,", "(\u0662,"),
    "no keys": "wsh(multi(1))",
    "same key twice": change(MULTI, W.hex(), C.hex()),
    "same key twice, mandatory": change(MANDATORY, M.hex(), C.hex()),
    "uncompressed": change(MULTI, C.hex(), UNCOMPRESSED),
    "no key": change(MULTI, C.hex(), "02" + "00" * 31 + "05"),
    "extended key": change(MULTI, C.hex(), "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8Nqtwyb/0"),
    "key origin": change(MULTI, C.hex(), "[deadbeef/0]" + C.hex()),
    "WIF": change(MULTI, C.hex(), PrivateKey(b"\x11" * 32).secret.hex()),
    "or": change(MANDATORY, "and_v", "or_d"),
    "pk without v": change(MANDATORY, "v:pk", "pk"),
    "pkh": change(MANDATORY, "v:pk", "v:pkh"),
    "other order": f"wsh(and_v(v:multi(1,{C.hex()},{W.hex()}),pk({M.hex()})))",
    "timelock": f"wsh(and_v({MULTI[4:-1]},older(10)))",
    "wrong checksum": MULTI + "#qqqqqqqq",
    "empty checksum": MULTI + "#",
    "short checksum": with_checksum(MULTI)[:-1],
    "long checksum": with_checksum(MULTI) + "q",
    "upper-case checksum": MULTI + "#" + with_checksum(MULTI)[-8:].upper(),
    "two checksums": with_checksum(MULTI) + "#" + with_checksum(MULTI)[-8:],
    "checksum of another": MULTI + with_checksum(MANDATORY)[-9:],
    "huge": "wsh(multi(1" + ("," + C.hex()) * 100_000 + "))",
    "16 keys": "wsh(multi(1,"
    + ",".join(PrivateKey(bytes([number]) * 32).public_key.hex() for number in range(1, 17))
    + "))",
    "surrogate": "wsh(\ud800)",
}


@pytest.mark.parametrize("text", JUNK.values(), ids=JUNK.keys())
def test_refused(text: str) -> None:
    with pytest.raises((InputError, KeyMaterialError)) as caught:
        witness_script_of(text)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=80))
def test_any_text_is_our_error(text: str) -> None:
    for read in (witness_script_of, with_checksum):
        try:
            read(text)
        except ReinError:
            pass
        else:
            assert read is with_checksum


@given(st.integers(min_value=0, max_value=len(MANDATORY) - 1), st.sampled_from("0123456789abcdef(),#"))
def test_a_checksum_notices_any_changed_letter(position: int, letter: str) -> None:
    good = with_checksum(MANDATORY)
    bad = good[:position] + letter + good[position + 1 :]
    if bad != good:
        with pytest.raises((InputError, KeyMaterialError)):
            witness_script_of(bad)


def test_with_checksum_twice_is_once() -> None:
    assert with_checksum(with_checksum(MULTI)) == with_checksum(MULTI)


SCRIPT, MANDATORY_SCRIPT = witness_script_of(MULTI), witness_script_of(MANDATORY)
NEITHER = {
    "nothing": b"",
    "threshold 0": b"\x50" + SCRIPT[1:],
    "OP_0": b"\x00" + SCRIPT[1:],
    "threshold 4": b"\x54" + SCRIPT[1:],
    "wrong count": SCRIPT[:-2] + b"\x52\xae",
    "CHECKMULTISIGVERIFY": SCRIPT[:-1] + b"\xaf",
    "trailing byte": SCRIPT + b"\x51",
    "leading byte": b"\x51" + SCRIPT,
    "no keys": b"\x50\x50\xae",
    "one byte": b"\xae",
    "PUSHDATA1": SCRIPT.replace(b"\x21" + C, b"\x4c\x21" + C),
    "same key twice": SCRIPT.replace(W, C),
    "no point": SCRIPT.replace(C, b"\x02" + bytes(31) + b"\x05"),
    "hybrid key": SCRIPT.replace(C, b"\x06" + C[1:]),
    "CHECKSIG": MANDATORY_SCRIPT.replace(b"\xad\x51", b"\xac\x51"),
    "mandatory key again": MANDATORY_SCRIPT.replace(C, M),
    "two mandatory keys": b"\x21" + W + b"\xad" + MANDATORY_SCRIPT,
    "a single key": b"\x21" + M + b"\xac",
    "dropped guard": b"\x21" + M + b"\x75" + MANDATORY_SCRIPT[35:],
}


@pytest.mark.parametrize("bad", NEITHER.values(), ids=NEITHER.keys())
def test_any_other_script_is_not_recognised(bad: bytes) -> None:
    assert bad not in (SCRIPT, MANDATORY_SCRIPT)
    assert script.parse_multisig(bad) is None
    assert script.parse_mandatory_multisig(bad) is None
    assert script.script_keys(bad) == ()
    with pytest.raises(InputError):
        descriptor_of(bad)


@pytest.mark.parametrize("parse", [script.parse_multisig, script.parse_mandatory_multisig])
@given(st.binary(max_size=120))
def test_any_bytes_raise_nothing(parse: Callable[[bytes], object], data: bytes) -> None:
    assert parse(data) is None


def test_the_two_forms_are_not_mistaken_for_each_other() -> None:
    assert script.parse_multisig(MANDATORY_SCRIPT) is None
    assert script.parse_mandatory_multisig(SCRIPT) is None
    assert script.script_keys(SCRIPT) == (C, M, W)
    assert script.script_keys(MANDATORY_SCRIPT) == (M, C, W)

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import MAX_MONEY, Sat
from rein.btc.encoding import compact_size, with_length
from rein.btc.transaction import (
    MAX_WEIGHT,
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    escrow_spend_vsize,
    p2wsh_multisig_witness_weight,
    with_witnesses,
    witness_v0_sighash,
)
from rein.errors import InputError

# BIP143's examples: "Native P2WPKH" and the 6-of-6 "P2SH-P2WSH", their SIGHASH_ALL digests.
P2WPKH_TX = (
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff"
    "02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac"
    "9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
)
P2WPKH_SCRIPT_CODE = "76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac"
P2WPKH_SIGHASH = "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670"
P2WPKH_SIGNATURE = (
    "304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a"
    "0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee01"
)
P2WPKH_KEY = "025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357"
P2WPKH_TXID = "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609"
MULTISIG_TX = (
    "010000000136641869ca081e70f394c6948e8af409e18b619df2ed74aa106c1ca29787b96e0100000000ffffffff"
    "0200e9a435000000001976a914389ffce9cd9ae88dcc0631e88a821ffdbe9bfe2688ac"
    "c0832f05000000001976a9147480a33f950689af511e6e84c138dbbd3c3ee41588ac00000000"
)
MULTISIG_SCRIPT = (
    "56210307b8ae49ac90a048e9b53357a2354b3334e9c8bee813ecb98e99a7e07e8c3ba3"
    "2103b28f0c28bfab54554ae8c658ac5c3e0ce6e79ad336331f78c428dd43eea8449b"
    "21034b8113d703413d57761b8b9781957b8c0ac1dfe69f492580ca4195f50376ba4a"
    "21033400f6afecb833092a9a21cfdf1ed1376e58c5d1f47de74683123987e967a8f4"
    "2103a6d48b1131e94ba04d9737d61acdaa1322008af9602b3b14862c07a1789aac16"
    "2102d8b661b0b3302ee2f162b09e07a55ad5dfbe673a9f01d9f0c19617681024306b56ae"
)
MULTISIG_SIGHASH = "185c0be5263dce5b4bb50a047973c1b6272bfbd0103a89444597dc40b248ee7c"

# The first transaction of all: a coinbase without witness.
GENESIS = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
    "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420"
    "666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61"
    "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)

OUTPOINTS = st.builds(
    OutPoint,
    st.binary(min_size=32, max_size=32).filter(any).map(bytes.hex),
    st.integers(min_value=0, max_value=2**32 - 1),
)
OUTPUTS = st.builds(TxOutput, st.integers(min_value=0, max_value=10**14).map(Sat), st.binary(max_size=80))
UINT32 = st.integers(min_value=0, max_value=2**32 - 1)
STACKS = st.lists(st.binary(max_size=80), max_size=4)

POINT = OutPoint("ab" * 32, 3)
OUTPUT = TxOutput(Sat(1000), b"\x00\x14" + bytes(20))


@given(
    st.lists(OUTPOINTS, min_size=1, max_size=5, unique=True),
    st.lists(OUTPUTS, min_size=2, max_size=5),
    UINT32,
    UINT32,
    UINT32,
    st.data(),
)
def test_build_and_parse_round_trip(
    inputs: list[OutPoint], outputs: list[TxOutput], sequence: int, locktime: int, version: int, data: st.DataObject
) -> None:
    built = build_unsigned(inputs, outputs, sequence=sequence, locktime=locktime, version=version)
    read = Transaction(built.raw)
    assert read == built
    assert hash(read) == hash(built)
    assert read.inputs == tuple(inputs)
    assert read.outputs == tuple(outputs)
    assert set(read.sequences) == {sequence}
    assert (read.version, read.locktime) == (version, locktime)
    assert read.witnesses == ((),) * len(inputs)
    assert read.wtxid == read.txid
    assert read.weight == 4 * len(read.raw)
    witnesses = [data.draw(STACKS) for _ in inputs]
    signed = with_witnesses(read, witnesses)
    assert signed.witnesses == tuple(tuple(stack) for stack in witnesses)
    assert signed.txid == read.txid
    assert signed.unsigned_raw == read.raw
    assert (signed.wtxid == read.txid) is not any(witnesses)
    assert Transaction(signed.raw).raw == signed.raw
    assert with_witnesses(signed, [[]] * len(inputs)) == read


@given(st.binary(max_size=200))
def test_any_bytes_are_one_transaction_or_our_error(raw: bytes) -> None:
    try:
        assert Transaction(raw).raw == raw
    except InputError:
        pass


@given(st.integers(min_value=0, max_value=len(P2WPKH_TX) // 2 - 1), st.integers(min_value=0, max_value=255))
def test_any_changed_byte_is_another_transaction_or_our_error(position: int, value: int) -> None:
    raw = bytearray.fromhex(P2WPKH_TX)
    changed = raw[position] != value
    raw[position] = value
    try:
        assert (Transaction(bytes(raw)).txid == Transaction.from_hex(P2WPKH_TX).txid) is not changed
    except InputError:
        assert changed


def test_bip143_p2wpkh() -> None:
    tx = Transaction.from_hex(P2WPKH_TX)
    digest = witness_v0_sighash(tx, 1, bytes.fromhex(P2WPKH_SCRIPT_CODE), Sat(600_000_000))
    assert digest.hex() == P2WPKH_SIGHASH
    assert witness_v0_sighash(tx, 1, bytes.fromhex(P2WPKH_SCRIPT_CODE), Sat(600_000_001)) != digest
    assert tx.locktime == 17
    assert tx.version == 1
    assert tx.sequences == (0xFFFFFFEE, 0xFFFFFFFF)
    assert tx.outputs[0].amount == 112_340_000


def test_bip143_multisig() -> None:
    tx = Transaction.from_hex(MULTISIG_TX)
    digest = witness_v0_sighash(tx, 0, bytes.fromhex(MULTISIG_SCRIPT), Sat(987_654_321))
    assert digest.hex() == MULTISIG_SIGHASH
    for index in (-1, 1):
        with pytest.raises(InputError):
            witness_v0_sighash(tx, index, b"", Sat(0))


def test_bip143_signed_transaction() -> None:
    """The legacy signature of input 0 belongs to the txid, the witness of input 1 does not."""
    script_sig = bytes.fromhex(
        "4830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be"
        "022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01"
    )
    raw = bytes.fromhex(P2WPKH_TX)
    raw = raw[:41] + with_length(script_sig) + raw[42:]
    tx = Transaction(raw)
    signed = with_witnesses(tx, [[], [bytes.fromhex(P2WPKH_SIGNATURE), bytes.fromhex(P2WPKH_KEY)]])
    assert signed.txid == P2WPKH_TXID == tx.txid
    assert signed.script_sigs == (script_sig, b"")
    assert (signed.weight, signed.vsize) == (3 * len(raw) + len(signed.raw), -(-signed.weight // 4))


def test_genesis() -> None:
    tx = Transaction.from_hex(GENESIS)
    assert tx.txid == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert tx.inputs == (OutPoint("00" * 32, 0xFFFFFFFF),)
    assert tx.outputs[0].amount == 50 * 100_000_000
    assert Transaction.from_hex(GENESIS.upper()) == tx


def raw_transaction(
    version: bytes = b"\2\0\0\0", inputs: int = 1, outputs: int = 1, tail: bytes = b"\0\0\0\0", marker: bytes = b""
) -> bytes:
    ins = b"".join(bytes([number + 1]) * 32 + bytes(4) + b"\0" + b"\xff" * 4 for number in range(inputs))
    outs = OUTPUT.to_bytes() * outputs
    return version + marker + compact_size(inputs) + ins + compact_size(outputs) + outs + tail


def test_the_raw_builder_of_these_tests() -> None:
    assert len(Transaction(raw_transaction()).inputs) == 1


GOOD = raw_transaction()
REFUSED = {
    "nothing": b"",
    "cut short": GOOD[:-1],
    "trailing byte": GOOD + b"\0",
    "no inputs": raw_transaction(inputs=0),
    "no outputs": raw_transaction(outputs=0),
    "neither": b"\2\0\0\0" + bytes(6),
    "witness form without any witness": raw_transaction(marker=b"\0\1", tail=b"\0" + bytes(4)),
    "unknown flag": raw_transaction(marker=b"\0\2", tail=b"\1\0" + bytes(4)),
    "long-form input count": GOOD[:4] + b"\xfd\x01\x00" + GOOD[5:],
    "long-form script length": GOOD[:41] + b"\xfd\x00\x00" + GOOD[42:],
    "huge input count": GOOD[:4] + b"\xff" * 9 + GOOD[5:],
    "huge script length": GOOD[:41] + b"\xff" * 9 + GOOD[42:],
    "huge witness count": raw_transaction(marker=b"\0\1", tail=b"\xff" * 9),
    "negative amount": GOOD.replace((1000).to_bytes(8, "little"), b"\xff" * 8),
    "amount above all money": GOOD.replace((1000).to_bytes(8, "little"), (MAX_MONEY + 1).to_bytes(8, "little")),
    "same output twice": raw_transaction(inputs=2).replace(b"\2" * 32, b"\1" * 32),
    "an input that names no output": raw_transaction(inputs=2).replace(b"\2" * 32 + bytes(4), bytes(32) + b"\xff" * 4),
    "too heavy": raw_transaction(outputs=MAX_WEIGHT // 4 // len(OUTPUT.to_bytes()) + 1),
    "too long": bytes(MAX_WEIGHT + 1),
    "hexadecimal": GOOD.hex().encode(),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        Transaction(raw)


def test_outputs_above_all_money_together() -> None:
    with pytest.raises(InputError, match="more than all"):
        build_unsigned([POINT], [TxOutput(MAX_MONEY, b""), TxOutput(Sat(1), b"")])


def test_64_bytes_are_refused() -> None:
    """They could be two hashes of a merkle tree side by side (CVE-2017-12842)."""
    with pytest.raises(InputError, match="merkle"):
        build_unsigned([POINT], [TxOutput(Sat(1), b"1234")])
    assert len(build_unsigned([POINT], [TxOutput(Sat(1), b"12345")]).raw) == 65


@pytest.mark.parametrize(
    "text", ["", "0", GOOD.hex() + " ", GOOD.hex() + "\n", "zz", "0x00", "\u0661" * 10, "00" * 500_000]
)
def test_from_hex_refuses(text: str) -> None:
    with pytest.raises(InputError):
        Transaction.from_hex(text)


def test_a_transaction_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Transaction(GOOD).raw = b""  # type: ignore[misc]


@pytest.mark.parametrize("name", ["sequence", "locktime", "version"])
@pytest.mark.parametrize("value", [-1, 2**32, True, 1.0])
def test_build_refuses_what_is_no_uint32(name: str, value: int) -> None:
    with pytest.raises(InputError):
        build_unsigned([POINT], [OUTPUT], **{name: value})


def test_build_refuses() -> None:
    for inputs, outputs in (([], [OUTPUT]), ([POINT], []), ([POINT, POINT], [OUTPUT])):
        with pytest.raises(InputError):
            build_unsigned(inputs, outputs)
    for amount in (-1, MAX_MONEY + 1, True, 0.5):
        with pytest.raises(InputError):
            TxOutput(amount, b"")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one witness for each input"):
        with_witnesses(build_unsigned([POINT], [OUTPUT]), [])


def test_the_default_sequence_signals_replacement_and_no_lock() -> None:
    assert build_unsigned([POINT], [OUTPUT]).sequences == (0xFFFFFFFD,)


@given(OUTPOINTS)
def test_outpoint_round_trip(outpoint: OutPoint) -> None:
    assert OutPoint.parse(str(outpoint)) == outpoint


@pytest.mark.parametrize(
    "text",
    [
        "", "ab" * 32, "ab" * 32 + ":", "AB" * 32 + ":0", "ab" * 32 + ":-1", "ab" * 32 + ":00", "ab" * 32 + ":01",
        "ab" * 32 + ":4294967296", "ab" * 32 + ":0 ", " " + "ab" * 32 + ":0", "ab" * 31 + ":0", "ab" * 32 + ":\u0661",
    ],
)  # fmt: skip
def test_outpoint_refuses(text: str) -> None:
    with pytest.raises(InputError):
        OutPoint.parse(text)


def test_outpoints_sort_by_txid_then_index() -> None:
    points = [OutPoint("b0" * 32, 0), OutPoint("a0" * 32, 10), OutPoint("a0" * 32, 9)]
    assert [str(p)[-2:] for p in sorted(points)] == [":9", "10", ":0"]


@given(
    st.lists(st.integers(min_value=1, max_value=15), min_size=1, max_size=300),
    st.lists(OUTPUTS, min_size=2, max_size=3),
)
def test_the_estimated_size_is_exact_for_the_longest_signatures(signatures: list[int], outputs: list[TxOutput]) -> None:
    script = bytes(300)
    points = [OutPoint("cd" * 32, number) for number in range(len(signatures))]
    stacks = [[b"", *[bytes(72)] * count, script] for count in signatures]
    signed = with_witnesses(build_unsigned(points, outputs), stacks)
    weights = [p2wsh_multisig_witness_weight(script, count) for count in signatures]
    assert escrow_spend_vsize(weights, outputs) == signed.vsize


def test_importing_it_loads_no_openssl() -> None:
    """python-bitcoinlib's keys, wallet and RPC look for libssl at import and die where there is none."""
    code = (
        "import sys, rein.btc.transaction\n"
        "print([name for name in ('key', 'scripteval') if 'bitcoin.core.' + name in sys.modules], "
        "[name for name in ('wallet', 'rpc', 'signmessage') if 'bitcoin.' + name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"

"""Every key of an identity, by what it is for: documented paths, typed known answers, and nothing shared."""

from __future__ import annotations

import hmac
import itertools
from dataclasses import replace
from hashlib import sha256, sha512
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import message
from rein.btc.address import p2pkh_address, p2wpkh_address
from rein.btc.amounts import Sat
from rein.btc.base58 import decode_check
from rein.btc.bip84 import CHANGE, RECEIVING
from rein.btc.curve import ORDER, public_key
from rein.btc.hd import HARDENED, ExtendedKey, new_mnemonic, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, TESTNET4, Network
from rein.errors import IdentityError, KeyMaterialError
from rein.identity.keyring import DelegateKeyring, Keyring, open_secret
from rein.protocol import job_keys
from rein.protocol.job_keys import ContractParts
from rein.protocol.signed import verify
from rein.protocol.values import BasisPoints, DocumentId
from rein.workflows.identity.setup import NewIdentity, build_enrollment, genesis

ABANDON = "abandon " * 11 + "about"
ROBOT = "robot excuse run dwarf depth candy emerge puzzle gospel churn kick tool"

JOB_ID = "rq5n0tz3vkc8y1wd7hxa"
DOCUMENT = DocumentId("0123456789abcdef" * 4)

# Typed from shared/vectors/rein-documents/keys-and-escrow.json, where bip32utils computed them ("standard BIP32").
KNOWN = {
    ABANDON: (
        "18mDodGPRAoNV5gVGpuQKaEr85kXBuz23z",
        "L3UYuE3vUJ9DXZ6fyiJL4b991cZGFpawcbF7YZiw94QcKKtQ4C8g",
        "1G6tpjuL1e4oaLwpYapcrtkGTPfagGocVF",
        "L5WvgebBDx3cKvHE9kFta5d7VnwnEuP1rHxC3xbGAhXERDzuFCmE",
        "0267d4eadb5ad46a7a06c11c9085670b91a85e6a91cad50ff6084a9f287f40b235",
    ),
    ROBOT: (
        "18mSWcpYB9X9nobaxc4kCHZXPNZaVVLYbR",
        "L5fzPkoBf5Jz1ySAiuFf9LoeEfQf7q4ARQwPvs174YDX6JPdLf4p",
        "126jnMnm6YCFngxTjYUGrF25zrTatWpEHX",
        "KxMkQqk7gMazB7gTk2toPZWBAY4DyTNNRk7LU64Tw9yoe1KcVAAc",
        "02543ef176d0ac2a5680efb735c9458cb5c63c91dedb23147d255361aea2010e74",
    ),
}


CREATOR_ESCROW = "02e98bda43516db956d076fce1a9c1ea4da2ed8c6a1e2a2fdf7e846345247a6388"
WORKER_ESCROW = "03beb36839e41f81e54bed339d4ac1851c69883fb4a9682d29072ffe4254132dc9"
MEDIATOR_ESCROW = "02e0206d5eda06a6f619b9e76eddc17fffbe466ea049fb5a6af8769696f1b5ec9f"
DELEGATE_ON_REGTEST = "mpMNDDmewfhm5utyi48tCMFxyiQ1DKbKmu"


def contract(keyring: Keyring, **changes: Any) -> ContractParts:
    """A contract of these keys with themselves: what counts here is that it is always the same."""
    parts = ContractParts(
        network=keyring.network,
        job_document=DOCUMENT,
        creator_key=keyring.creator_escrow(JOB_ID).public_key,
        worker_key=keyring.worker_escrow(DOCUMENT).public_key,
        worker_master_address=keyring.master_address,
        worker_payment_address=p2wpkh_address(keyring.master.public_key, keyring.network),
        price=Sat(5_000_000),
    )
    return replace(parts, **changes)


@pytest.mark.parametrize("words", KNOWN, ids=["abandon", "robot"])
def test_master_and_delegate_are_the_typed_ones(words: str) -> None:
    keyring = Keyring(words, MAINNET)
    master, master_wif, delegate, delegate_wif, delegate_key = KNOWN[words]
    assert (keyring.master_address, keyring.master.to_wif(MAINNET)) == (master, master_wif)
    assert (keyring.delegate_address, keyring.delegate.to_wif(MAINNET)) == (delegate, delegate_wif)
    assert keyring.delegate.public_key.hex() == delegate_key


def test_keys_of_a_job_are_the_typed_ones() -> None:
    """Computed once, cross-checked by the paths by hand below: whoever restores from words needs them for ever."""
    keyring = Keyring(ABANDON, MAINNET)
    assert keyring.creator_escrow(JOB_ID).public_key.hex() == CREATOR_ESCROW
    assert keyring.worker_escrow(DOCUMENT).public_key.hex() == WORKER_ESCROW
    assert keyring.mediator_escrow(contract(keyring)).public_key.hex() == MEDIATOR_ESCROW
    assert Keyring(ABANDON, REGTEST).delegate_address == DELEGATE_ON_REGTEST


def _ckd(secret: bytes, chain_code: bytes, index: int) -> tuple[bytes, bytes]:
    """BIP32's CKDpriv, written out."""
    data = b"\x00" + secret if index >= HARDENED else public_key(secret)
    digest = hmac.digest(chain_code, data + index.to_bytes(4, "big"), sha512)
    child = (int.from_bytes(digest[:32], "big") + int.from_bytes(secret, "big")) % ORDER
    return child.to_bytes(32, "big"), digest[32:]


def _by_hand(words: str, path: list[int]) -> bytes:
    digest = hmac.digest(b"Bitcoin seed", seed_from_mnemonic(words), sha512)
    secret, chain_code = digest[:32], digest[32:]
    for index in path:
        secret, chain_code = _ckd(secret, chain_code, index)
    return secret


def _levels(tag: str, *what: str) -> list[int]:
    """Four times 31 bits of a tagged hash (BIP340) over lines, written out."""
    tagged = sha256(tag.encode()).digest() * 2 + "\n".join(what).encode()
    return [int.from_bytes(sha256(tagged).digest()[at : at + 4], "big") & 0x7FFFFFFF for at in range(0, 16, 4)]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
@pytest.mark.parametrize(
    ("role", "branch", "what", "hardened"),
    [
        ("creator_escrow", [2, 0], JOB_ID, True),
        ("worker_escrow", [3, 0], DOCUMENT, True),
        ("creator_message", [2, 2], JOB_ID, True),
        ("worker_message", [3, 2], DOCUMENT, True),
        ("mediator_message", [4, 2], DOCUMENT, False),
    ],
)
def test_paths_by_hand(role: str, branch: list[int], what: str, hardened: bool, network: Network) -> None:
    """m/2'/0'/J', m/3'/0'/J', and the same with 2' for messages, m/4'/2'/J the mediator's, with BIP32 written out
    here. J comes from the network's first block and the job."""
    levels = [each + HARDENED * hardened for each in _levels("rein/job-key", network.genesis_hash, what)]
    expected = _by_hand(ROBOT, [each + HARDENED for each in branch] + levels)
    key: PrivateKey = getattr(Keyring(ROBOT, network), role)(what)
    assert key.secret == expected


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_the_mediators_path_by_hand(network: Network) -> None:
    """m/4'/0'/C, where C comes from all that makes a contract."""
    keyring = Keyring(ROBOT, network)
    parts = contract(keyring)
    levels = _levels(
        "rein/contract-key",
        network.genesis_hash,
        DOCUMENT,
        keyring.creator_escrow(JOB_ID).public_key.hex(),
        keyring.worker_escrow(DOCUMENT).public_key.hex(),
        keyring.master_address,
        parts.worker_payment_address,
        "5000000",
    )
    assert keyring.mediator_escrow(parts).secret == _by_hand(ROBOT, [4 + HARDENED, HARDENED, *levels])


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_delegates_by_hand(network: Network) -> None:
    """m/1'/0, m/1'/1', m/1'/2' on mainnet, the first as in 2016; m/1'/N'/0', m/1'/N'/1' elsewhere."""
    first = Keyring(ROBOT, network)
    number = _levels("rein/job-key", network.genesis_hash, "delegate")[0] + HARDENED
    for count, keyring in enumerate(
        (first, first.with_next_delegate(), first.with_next_delegate().with_next_delegate())
    ):
        if network is MAINNET:
            path = [1 + HARDENED, count + HARDENED if count else 0]
        else:
            path = [1 + HARDENED, number, count + HARDENED]
        assert keyring.delegate.secret == _by_hand(ROBOT, path)


def test_no_key_that_signs_in_a_job_is_one_on_another_network() -> None:
    """A signature names no network: what is signed on a test network must open nothing elsewhere."""
    seen: list[bytes] = []
    for network in NETWORKS.values():
        keyring = Keyring(ABANDON, network)
        contract_of_mainnet = contract(Keyring(ABANDON, MAINNET), network=network)
        keys = [
            keyring.delegate,
            keyring.with_next_delegate().delegate,
            keyring.creator_escrow(JOB_ID),
            keyring.worker_escrow(DOCUMENT),
            keyring.mediator_escrow(contract_of_mainnet),
            keyring.creator_message(JOB_ID),
            keyring.worker_message(DOCUMENT),
            keyring.mediator_message(DOCUMENT),
        ]
        seen += [key.secret for key in keys]
    assert len(set(seen)) == len(seen) == 8 * len(NETWORKS)


@pytest.mark.parametrize(
    "changes",
    [
        {"network": TESTNET4},
        {"job_document": DocumentId("f" * 64)},
        {"creator_key": b"\x02" * 33},
        {"worker_key": b"\x02" * 33},
        {"worker_master_address": "mpMNDDmewfhm5utyi48tCMFxyiQ1DKbKmu"},
        {"worker_payment_address": "bcrt1qsev2zd9cwmqwwyumxpyr7azkcsrjvgau773uhd"},
        {"price": Sat(5_000_001)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_differs_in_a_contract_gives_the_mediator_another_key(changes: dict[str, Any]) -> None:
    keyring = Keyring(ABANDON, REGTEST)
    assert keyring.mediator_escrow(contract(keyring, **changes)) != keyring.mediator_escrow(contract(keyring))


def test_no_two_keys_are_the_same_in_any_job_role_or_person() -> None:
    """S14: nothing links two jobs, two roles or two people through a key or an address."""
    seen: set[object] = set()
    count = 0
    for words, number in itertools.product((ABANDON, ROBOT), range(8)):
        keyring = Keyring(words, REGTEST)
        what = f"job{number:017}"
        document = DocumentId(f"{number:064x}")
        found: list[object] = [
            keyring.creator_escrow(what).secret,
            keyring.mediator_escrow(contract(keyring, job_document=document)).secret,
            keyring.worker_escrow(document).secret,
            keyring.account.address(RECEIVING, number),
            keyring.account.address(CHANGE, number),
            keyring.creator_message(what).secret,
            keyring.mediator_message(document).secret,
            keyring.worker_message(document).secret,
        ]
        found += [keyring.master.secret, keyring.delegate.secret] if number == 0 else []
        seen.update(found)
        count += len(found)
    assert len(seen) == count == 2 * (8 * 8 + 2)


def test_the_same_text_gives_each_role_another_key() -> None:
    keyring = Keyring(ABANDON, REGTEST)
    messages = keyring.creator_message(DOCUMENT), keyring.worker_message(DOCUMENT), keyring.mediator_message(DOCUMENT)
    keys = [keyring.creator_escrow(DOCUMENT), keyring.worker_escrow(DOCUMENT), *messages]
    assert len({key.secret for key in keys}) == 5


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_addresses_are_of_the_network(network: object) -> None:
    keyring = Keyring(ABANDON, network)  # type: ignore[arg-type]
    assert keyring.master_address == p2pkh_address(keyring.master.public_key, keyring.network)
    assert keyring.account.address(RECEIVING, 0).startswith(keyring.network.hrp + "1q")
    assert keyring.mediator_escrow_xpub.startswith("xpub" if network is MAINNET else "tpub")


def test_words_are_read_as_people_type_them() -> None:
    spaced = f"  {ABANDON.upper()} ".replace(" ", "\n ")
    assert Keyring(spaced, REGTEST).master == Keyring(ABANDON, REGTEST).master


@pytest.mark.parametrize(
    "words", ["", "correct horse battery staple", ABANDON[:-6], ABANDON.replace("about", "abandon")]
)
def test_what_is_no_recovery_phrase_gives_no_keys(words: str) -> None:
    with pytest.raises(KeyMaterialError):
        Keyring(words, REGTEST)


def test_a_keyring_shows_nothing() -> None:
    keyring = Keyring(ABANDON, REGTEST)
    for shown in (repr(keyring), str(keyring), f"{keyring}", repr(keyring.master), repr(keyring._root)):
        assert "abandon" not in shown
        assert keyring.master.secret.hex() not in shown
        assert "prv" not in shown


# The mediator, who is asleep when a job is posted.


_ENROLLED = build_enrollment(
    NewIdentity("Alice", "alice@example.com", BasisPoints(100)), Keyring(ABANDON, REGTEST), genesis(REGTEST)
)


@given(
    job=st.binary(min_size=32, max_size=32).map(bytes.hex),
    keys=st.tuples(*[st.binary(min_size=33, max_size=33)] * 2),
    price=st.integers(1, 2_100_000_000_000_000),
)
def test_anyone_derives_the_public_half_of_the_mediators_key(job: str, keys: tuple[bytes, bytes], price: int) -> None:
    keyring = Keyring(ABANDON, REGTEST)
    signed = _ENROLLED
    document = DocumentId(job)
    parts = contract(keyring, job_document=document, creator_key=keys[0], worker_key=keys[1], price=Sat(price))
    assert verify(signed.armored).document.willing_to_mediate
    assert job_keys.mediator_escrow_key(signed.document, parts) == keyring.mediator_escrow(parts).public_key
    assert job_keys.mediator_message_key(signed.document, document) == keyring.mediator_message(document).public_key


def test_the_mediator_proves_to_hold_the_extended_key() -> None:
    """The signature is by the published key itself, and names the identity and the network."""
    keyring, enrolled = Keyring(ABANDON, REGTEST), _ENROLLED.document
    xpub = keyring.mediator_escrow_xpub
    assert (enrolled.mediator_escrow_xpub, enrolled.mediator_payment_address) == (
        xpub,
        keyring.account.address(RECEIVING, 0),
    )
    address = p2pkh_address(ExtendedKey.parse_public(xpub, REGTEST).public_key, REGTEST)
    said = f"Rein: {keyring.master_address} mediates with {xpub} on regtest"
    assert enrolled.mediator_escrow_signature == keyring.mediator_escrow_signature()
    assert message.verify(address, said, keyring.mediator_escrow_signature())


def test_the_enrollment_holds_public_halves_only() -> None:
    text = _ENROLLED.armored
    keyring = Keyring(ABANDON, REGTEST)
    assert "prv" not in text
    for secret in (keyring.master.secret, keyring.delegate.secret, keyring.mediator_escrow(contract(keyring)).secret):
        assert secret.hex() not in text


# What a leaked child key costs (docs/security.md tells it): the branch, and nothing but the branch.


def _parent_secret(child_secret: bytes, parent: ExtendedKey, index: int) -> bytes:
    """The known weakness of BIP32: a child's secret and the parent's xpub give the parent's secret, where the child
    is not hardened: parent = child - HMAC(chain code, public key || index)."""
    payload = decode_check(parent.to_string())
    assert payload is not None
    chain_code = payload[13:45]
    digest = hmac.digest(chain_code, parent.public_key + index.to_bytes(4, "big"), sha512)
    return ((int.from_bytes(child_secret, "big") - int.from_bytes(digest[:32], "big")) % ORDER).to_bytes(32, "big")


def _climb(leaked: PrivateKey, xpub: ExtendedKey, path: job_keys.Path) -> bytes:
    """The secret of the branch, from one leaked key below it and what stands in the enrollment."""
    secret = leaked.secret
    for depth in range(len(path), 0, -1):
        secret = _parent_secret(secret, xpub.derive(path[: depth - 1]), path[depth - 1])
    return secret


def test_one_leaked_key_of_a_mediator_gives_the_keys_of_all_his_jobs() -> None:
    """Proved, not only told: this is why `mediator_escrow` never leaves the program."""
    keyring = Keyring(ROBOT, REGTEST)
    xpub = ExtendedKey.parse_public(keyring.mediator_escrow_xpub, REGTEST)
    parts = contract(keyring)
    branch = _climb(keyring.mediator_escrow(parts), xpub, job_keys.contract_path(parts))
    assert PrivateKey(branch).public_key == xpub.public_key
    payload = decode_check(xpub.to_string())
    assert payload is not None
    other = contract(keyring, job_document=DocumentId("f" * 64))
    secret, chain_code = branch, payload[13:45]
    for index in job_keys.contract_path(other):
        secret, chain_code = _ckd(secret, chain_code, index)
    assert secret == keyring.mediator_escrow(other).secret


def test_it_gives_nothing_else() -> None:
    """Above the branch every step is hardened, so its parent's chain code is unknown and no xpub of it is published;
    what was found is the secret of this branch, of no other one, and not of the master or the delegate."""
    keyring = Keyring(ROBOT, REGTEST)
    root = keyring._root
    parts = contract(keyring)
    xpub = ExtendedKey.parse_public(keyring.mediator_escrow_xpub, REGTEST)
    branch = _climb(keyring.mediator_escrow(parts), xpub, job_keys.contract_path(parts))
    others = [
        "m",
        job_keys.MASTER,
        job_keys.DELEGATE,
        "m/1'",
        "m/4'",
        job_keys.CREATOR_ESCROW,
        job_keys.WORKER_ESCROW,
        job_keys.MEDIATOR_MESSAGE,
    ]
    assert branch == root.derive(job_keys.MEDIATOR_ESCROW).private_key.secret
    assert branch not in {root.derive(path).private_key.secret for path in others}
    # The same climb, tried with everything that is published, leads nowhere above the branch.
    published = [keyring.mediator_escrow_xpub, keyring.mediator_message_xpub]
    for text, index in itertools.product(published, (0, HARDENED, 4 + HARDENED)):
        climbed = _parent_secret(branch, ExtendedKey.parse_public(text, REGTEST), index)
        assert climbed not in {root.derive(path).private_key.secret for path in others}
    # Every step above the published key is hardened.
    for path in (job_keys.MEDIATOR_ESCROW, job_keys.MEDIATOR_MESSAGE):
        assert all(step.endswith("'") for step in path.split("/")[1:])


def test_a_leaked_key_for_messages_does_not_open_the_escrow_branch() -> None:
    keyring = Keyring(ROBOT, REGTEST)
    xpub = ExtendedKey.parse_public(keyring.mediator_message_xpub, REGTEST)
    branch = _climb(keyring.mediator_message(DOCUMENT), xpub, job_keys.job_path(REGTEST, DOCUMENT))
    assert PrivateKey(branch).public_key == xpub.public_key
    assert PrivateKey(branch).public_key != ExtendedKey.parse(keyring.mediator_escrow_xpub, REGTEST).public_key


def test_creator_and_worker_publish_no_extended_key_and_their_leaks_stay_alone() -> None:
    """Hardened to the last level: with one of them, even the neighbour's public key cannot be found."""
    assert all(level >= HARDENED for level in job_keys.hardened_job_path(REGTEST, JOB_ID))
    xpub = Keyring(ROBOT, REGTEST)._root.derive(job_keys.CREATOR_ESCROW).to_public()
    with pytest.raises(KeyMaterialError, match="hardened"):
        xpub.derive(job_keys.hardened_job_path(REGTEST, JOB_ID))


def test_new_words_are_never_the_same() -> None:
    assert len({new_mnemonic() for _ in range(50)}) == 50


@pytest.mark.parametrize("network", [MAINNET, REGTEST], ids=["mainnet", "regtest"])
def test_later_delegates_are_found_by_their_address(network: Network) -> None:
    """Where they are is in `test_delegates_by_hand`."""
    first = Keyring(ABANDON, network)
    second = first.with_next_delegate()
    third = second.with_next_delegate()
    assert len({first.delegate, second.delegate, third.delegate}) == 3
    assert first.with_delegate(third.delegate_address).delegate == third.delegate
    assert third.with_delegate(first.delegate_address).delegate == first.delegate
    assert third.master == first.master
    assert third.worker_escrow(DOCUMENT) == first.worker_escrow(DOCUMENT)
    with pytest.raises(IdentityError):
        first.with_delegate(Keyring(ROBOT, network).delegate_address)
    other = REGTEST if network is MAINNET else MAINNET
    with pytest.raises(IdentityError):
        first.with_delegate(p2pkh_address(Keyring(ABANDON, other).delegate.public_key, network))


def test_without_words_everything_but_the_master_comes_from_the_delegate() -> None:
    delegate, master = PrivateKey(b"\x22" * 32), PrivateKey(b"\x11" * 32)
    address = p2pkh_address(master.public_key, REGTEST)
    keyring = DelegateKeyring(delegate, REGTEST, address)
    again = open_secret(keyring.to_secret(), REGTEST)
    assert (again.master_address, again.delegate) == (address, delegate)
    assert again.mediator_escrow_xpub == keyring.mediator_escrow_xpub
    assert again.creator_escrow(JOB_ID) == keyring.creator_escrow(JOB_ID) != delegate
    with pytest.raises(IdentityError, match="not here"):
        _ = again.master
    with pytest.raises(IdentityError):
        again.with_next_delegate()
    assert open_secret(DelegateKeyring(delegate, REGTEST, address, master).to_secret(), REGTEST).master == master
    with pytest.raises(KeyMaterialError):
        DelegateKeyring(delegate, REGTEST, address, delegate)
    with pytest.raises(KeyMaterialError):
        DelegateKeyring(PrivateKey(b"\x22" * 32, compressed=False), REGTEST, address)


@pytest.mark.parametrize("secret", ["{", "{}", '{"delegate": 5, "master": null, "master_address": "x"}', "[]", ""])
def test_a_key_file_that_holds_something_else(secret: str) -> None:
    with pytest.raises(KeyMaterialError):
        open_secret(secret, REGTEST)

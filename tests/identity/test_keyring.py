"""Every key of an identity, by what it is for: documented paths, typed known answers, and nothing shared."""

from __future__ import annotations

import hmac
import itertools
from hashlib import sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2pkh_address, p2wpkh_address
from rein.btc.base58 import decode_check
from rein.btc.curve import ORDER, public_key
from rein.btc.hd import HARDENED, ExtendedKey, new_mnemonic, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, TESTNET4
from rein.errors import IdentityError, KeyMaterialError
from rein.identity.keyring import DelegateKeyring, Keyring, open_secret
from rein.protocol import job_keys
from rein.protocol.signed import verify
from rein.protocol.values import BasisPoints, DocumentId
from rein.workflows.enroll import NewIdentity, build_enrollment, genesis

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


CREATOR_ESCROW = "03e1ea25e10ac39be473f5cccb78b31cc5893fd3bc3ed88fb3b98906349ad3d371"
WORKER_ESCROW = "02e4375b6c156ec855b35bbf0b948cf464600d70fd8a553a9c41b524dbc1b4c6ab"
MEDIATOR_ESCROW = "035d92b9be086529b635fb2aadb9988c8e58ba22f2b2fa198929a29fb302d9fb24"
CREATOR_PAYMENT = "bc1qazepdkred0zqgely785rejwp2yvku2wfdh65kd"
WORKER_PAYMENT = "bc1qv5wnqt7ftgpwxatrd9tkgaxpfs7mf8v8u7z2pu"


@pytest.mark.parametrize("words", KNOWN, ids=["abandon", "robot"])
def test_master_and_delegate_are_the_typed_ones(words: str) -> None:
    keyring = Keyring(words, MAINNET)
    master, master_wif, delegate, delegate_wif, delegate_key = KNOWN[words]
    assert (keyring.master_address, keyring.master.to_wif(MAINNET)) == (master, master_wif)
    assert (keyring.delegate_address, keyring.delegate.to_wif(MAINNET)) == (delegate, delegate_wif)
    assert keyring.delegate.public_key.hex() == delegate_key


def test_keys_of_a_job_are_the_typed_ones() -> None:
    """Computed once, cross-checked by `test_paths_by_hand`: whoever restores from words alone needs them for ever."""
    keyring = Keyring(ABANDON, MAINNET)
    assert keyring.creator_escrow(JOB_ID).public_key.hex() == CREATOR_ESCROW
    assert keyring.worker_escrow(DOCUMENT).public_key.hex() == WORKER_ESCROW
    assert keyring.mediator_escrow(JOB_ID).public_key.hex() == MEDIATOR_ESCROW
    assert keyring.creator_payment_address(JOB_ID) == CREATOR_PAYMENT
    assert keyring.worker_payment_address(DOCUMENT) == WORKER_PAYMENT


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


@pytest.mark.parametrize(
    ("role", "branch", "what", "hardened"),
    [
        ("creator_escrow", [2, 0], JOB_ID, True),
        ("worker_escrow", [3, 0], DOCUMENT, True),
        ("mediator_escrow", [4, 0], JOB_ID, False),
        ("creator_message", [2, 2], JOB_ID, True),
        ("worker_message", [3, 2], DOCUMENT, True),
        ("mediator_message", [4, 2], JOB_ID, False),
    ],
)
def test_paths_by_hand(role: str, branch: list[int], what: str, hardened: bool) -> None:
    """m/2'/0'/J', m/3'/0'/J', m/4'/0'/J, and the same with 2' for messages, with BIP32 written out here."""
    levels = [level + HARDENED * hardened for level in job_keys.job_path(what)]
    expected = _by_hand(ROBOT, [each + HARDENED for each in branch] + levels)
    key: PrivateKey = getattr(Keyring(ROBOT, MAINNET), role)(what)
    assert key.secret == expected


def test_payment_addresses_stand_on_their_own_branches() -> None:
    keyring = Keyring(ROBOT, TESTNET4)
    levels = [level + HARDENED for level in job_keys.job_path(JOB_ID)]
    creator = PrivateKey(_by_hand(ROBOT, [2 + HARDENED, 1 + HARDENED, *levels]))
    assert keyring.creator_payment_address(JOB_ID) == p2wpkh_address(creator.public_key, TESTNET4)
    levels = [level + HARDENED for level in job_keys.job_path(DOCUMENT)]
    worker = PrivateKey(_by_hand(ROBOT, [3 + HARDENED, 1 + HARDENED, *levels]))
    assert keyring.worker_payment_address(DOCUMENT) == p2wpkh_address(worker.public_key, TESTNET4)


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
            keyring.mediator_escrow(what).secret,
            keyring.worker_escrow(document).secret,
            keyring.creator_payment_address(what),
            keyring.worker_payment_address(document),
            keyring.creator_message(what).secret,
            keyring.mediator_message(what).secret,
            keyring.worker_message(document).secret,
        ]
        found += [keyring.master.secret, keyring.delegate.secret] if number == 0 else []
        seen.update(found)
        count += len(found)
    assert len(seen) == count == 2 * (8 * 8 + 2)


def test_the_same_text_gives_each_role_another_key() -> None:
    keyring = Keyring(ABANDON, REGTEST)
    keys = [keyring.creator_escrow(JOB_ID), keyring.mediator_escrow(JOB_ID), keyring.worker_escrow(DocumentId(JOB_ID))]
    assert len({key.secret for key in keys}) == 3


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_addresses_are_of_the_network(network: object) -> None:
    keyring = Keyring(ABANDON, network)  # type: ignore[arg-type]
    assert keyring.master_address == p2pkh_address(keyring.master.public_key, keyring.network)
    assert keyring.creator_payment_address(JOB_ID).startswith(keyring.network.hrp + "1q")
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


@given(what=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=20, max_size=20))
def test_anyone_derives_the_public_half_of_the_mediators_key(what: str) -> None:
    keyring = Keyring(ABANDON, REGTEST)
    signed = _ENROLLED
    assert verify(signed.armored).document.willing_to_mediate
    assert job_keys.mediator_escrow_key(signed.document, what) == keyring.mediator_escrow(what).public_key
    path = job_keys.job_path(what)
    payment = keyring._root.derive(job_keys.MEDIATOR_PAYMENT).derive(path)
    assert job_keys.mediator_payment_address(signed.document, what) == p2wpkh_address(payment.public_key, REGTEST)
    assert payment.public_key != keyring.mediator_escrow(what).public_key


def test_the_enrollment_holds_public_halves_only() -> None:
    text = _ENROLLED.armored
    keyring = Keyring(ABANDON, REGTEST)
    assert "prv" not in text
    for secret in (keyring.master.secret, keyring.delegate.secret, keyring.mediator_escrow(JOB_ID).secret):
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


def _climb(leaked: PrivateKey, xpub: ExtendedKey, what: str) -> bytes:
    """The secret of the branch, from one leaked key of a job and what stands in the enrollment."""
    path = job_keys.job_path(what)
    secret = leaked.secret
    for depth in range(len(path), 0, -1):
        secret = _parent_secret(secret, xpub.derive(path[: depth - 1]), path[depth - 1])
    return secret


def test_one_leaked_key_of_a_mediator_gives_the_keys_of_all_his_jobs() -> None:
    """Proved, not only told: this is why `mediator_escrow` never leaves the program."""
    keyring = Keyring(ROBOT, REGTEST)
    xpub = ExtendedKey.parse_public(keyring.mediator_escrow_xpub, REGTEST)
    branch = _climb(keyring.mediator_escrow(JOB_ID), xpub, JOB_ID)
    assert PrivateKey(branch).public_key == xpub.public_key
    payload = decode_check(xpub.to_string())
    assert payload is not None
    other = "another0job0id000000"
    secret, chain_code = branch, payload[13:45]
    for index in job_keys.job_path(other):
        secret, chain_code = _ckd(secret, chain_code, index)
    assert secret == keyring.mediator_escrow(other).secret


def test_it_gives_nothing_else() -> None:
    """Above the branch every step is hardened, so its parent's chain code is unknown and no xpub of it is published;
    what was found is the secret of this branch, of no other one, and not of the master or the delegate."""
    keyring = Keyring(ROBOT, REGTEST)
    root = keyring._root
    branch = _climb(
        keyring.mediator_escrow(JOB_ID), ExtendedKey.parse_public(keyring.mediator_escrow_xpub, REGTEST), JOB_ID
    )
    others = [
        "m",
        job_keys.MASTER,
        job_keys.DELEGATE,
        "m/1'",
        "m/4'",
        job_keys.MEDIATOR_PAYMENT,
        job_keys.CREATOR_ESCROW,
        job_keys.CREATOR_PAYMENT,
        job_keys.WORKER_ESCROW,
        job_keys.WORKER_PAYMENT,
        job_keys.MEDIATOR_MESSAGE,
    ]
    assert branch == root.derive(job_keys.MEDIATOR_ESCROW).private_key.secret
    assert branch not in {root.derive(path).private_key.secret for path in others}
    # The same climb, tried with everything that is published, leads nowhere above the branch.
    published = [keyring.mediator_escrow_xpub, keyring.mediator_payment_xpub, keyring.mediator_message_xpub]
    for text, index in itertools.product(published, (0, HARDENED, 4 + HARDENED)):
        climbed = _parent_secret(branch, ExtendedKey.parse_public(text, REGTEST), index)
        assert climbed not in {root.derive(path).private_key.secret for path in others}
    # Every step above the published key is hardened.
    for path in (job_keys.MEDIATOR_ESCROW, job_keys.MEDIATOR_PAYMENT, job_keys.MEDIATOR_MESSAGE):
        assert all(step.endswith("'") for step in path.split("/")[1:])


def test_a_leaked_key_of_the_payment_branch_does_not_open_the_escrow_branch() -> None:
    keyring = Keyring(ROBOT, REGTEST)
    leaked = keyring._root.derive(job_keys.MEDIATOR_PAYMENT).derive(job_keys.job_path(JOB_ID)).private_key
    xpub = ExtendedKey.parse_public(keyring.mediator_payment_xpub, REGTEST)
    branch = _climb(leaked, xpub, JOB_ID)
    assert PrivateKey(branch).public_key == xpub.public_key
    assert PrivateKey(branch).public_key != ExtendedKey.parse(keyring.mediator_escrow_xpub, REGTEST).public_key


def test_creator_and_worker_publish_no_extended_key_and_their_leaks_stay_alone() -> None:
    """Hardened to the last level: with one of them, even the neighbour's public key cannot be found."""
    assert all(level >= HARDENED for level in job_keys.hardened_job_path(JOB_ID))
    xpub = Keyring(ROBOT, REGTEST)._root.derive(job_keys.CREATOR_ESCROW).to_public()
    with pytest.raises(KeyMaterialError, match="hardened"):
        xpub.derive(job_keys.hardened_job_path(JOB_ID))


def test_new_words_are_never_the_same() -> None:
    assert len({new_mnemonic() for _ in range(50)}) == 50


def test_later_delegates_are_hardened_and_found_by_their_address() -> None:
    first = Keyring(ABANDON, REGTEST)
    second = first.with_next_delegate()
    third = second.with_next_delegate()
    root = ExtendedKey.from_seed(seed_from_mnemonic(ABANDON), REGTEST)
    assert second.delegate == root.derive("m/1'/1'").private_key
    assert third.delegate == root.derive("m/1'/2'").private_key
    assert first.with_delegate(third.delegate_address).delegate == third.delegate
    assert third.with_delegate(first.delegate_address).delegate == root.derive("m/1'/0").private_key
    assert third.master == first.master
    assert third.worker_escrow(DOCUMENT) == first.worker_escrow(DOCUMENT)
    with pytest.raises(IdentityError):
        first.with_delegate(Keyring(ROBOT, REGTEST).delegate_address)


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

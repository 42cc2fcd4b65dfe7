import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rein.btc import base58, curve, hd
from rein.btc.hd import HARDENED, ExtendedKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET
from rein.errors import InputError, KeyMaterialError, ReinError

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
ABANDON = "abandon " * 11 + "about"
SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")  # BIP32's first vector
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
XPUB = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"

Load = Callable[[str], Any]


class TestMnemonic:
    @given(st.binary(min_size=16, max_size=16))
    def test_new_ones_are_valid(self, entropy: bytes) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hd.secrets, "token_bytes", lambda length: entropy[:length])
            words = hd.new_mnemonic()
        assert len(words.split()) == 12
        assert hd.check_mnemonic(words) == words

    def test_new_ones_differ(self) -> None:
        assert len({hd.new_mnemonic() for _ in range(20)}) == 20

    def test_published_seeds(self, bip: Load) -> None:
        for entropy, words, seed, xprv in bip("bip39_english")["english"]:
            assert hd.check_mnemonic(words) == words
            assert hd.bip39.mnemonic_from_bytes(bytes.fromhex(entropy)) == words
            assert hd.seed_from_mnemonic(words, "TREZOR").hex() == seed
            assert ExtendedKey.from_seed(bytes.fromhex(seed), MAINNET).to_string() == xprv

    def test_one_published_seed_typed_in(self) -> None:
        seed = hd.seed_from_mnemonic(ABANDON, "TREZOR").hex()
        assert seed.startswith("c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553")

    @pytest.mark.parametrize(
        "text",
        [WORDS.upper(), f"  {WORDS}\n", WORDS.replace(" ", "\t\n "), WORDS.replace(" ", "\u3000"), WORDS.title()],
    )
    def test_spelling_is_normalised(self, text: str) -> None:
        assert hd.check_mnemonic(text) == WORDS
        assert hd.seed_from_mnemonic(text) == hd.seed_from_mnemonic(WORDS)

    def test_full_width_letters_are_normalised(self) -> None:
        wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in WORDS)
        assert hd.check_mnemonic(wide) == WORDS

    def test_the_unknown_word_is_named_with_its_place(self) -> None:
        with pytest.raises(KeyMaterialError, match="word 3 of the recovery phrase, 'thanks', is not in the word list"):
            hd.check_mnemonic(WORDS.replace("thank ", "thanks ", 1))

    @pytest.mark.parametrize("count", [0, 1, 11, 13, 14, 25, 5000])
    def test_word_counts(self, count: int) -> None:
        with pytest.raises(KeyMaterialError, match=f"not {count}$"):
            hd.check_mnemonic("abandon " * count)

    @pytest.mark.parametrize(
        "text", ["abandon " * 12, WORDS.replace("legal winner", "winner legal", 1), WORDS.replace("yellow", "zoo")]
    )
    def test_the_checksum_is_checked(self, text: str) -> None:
        with pytest.raises(KeyMaterialError, match="does not add up"):
            hd.check_mnemonic(text)
        with pytest.raises(KeyMaterialError, match="does not add up"):
            hd.seed_from_mnemonic(text)

    @given(st.text(max_size=200))
    def test_any_text_is_our_error(self, text: str) -> None:
        with pytest.raises(KeyMaterialError):
            hd.check_mnemonic(text)

    def test_an_accented_passphrase_is_one_passphrase(self) -> None:
        """embit alone gives another seed for each Unicode spelling."""
        composed, decomposed = (unicodedata.normalize(form, "pässwörd") for form in ("NFC", "NFD"))
        assert composed != decomposed
        assert hd.seed_from_mnemonic(WORDS, composed) == hd.seed_from_mnemonic(WORDS, decomposed)
        assert hd.seed_from_mnemonic(WORDS, "PÄSSWÖRD") != hd.seed_from_mnemonic(WORDS, composed)

    def test_a_passphrase_utf8_cannot_hold(self) -> None:
        with pytest.raises(KeyMaterialError, match="surrogate"):
            hd.seed_from_mnemonic(WORDS, "\ud800")


class TestPublishedKeys:
    def test_valid(self, bip: Load) -> None:
        for vector in bip("bip32")["valid"]:
            master = ExtendedKey.from_seed(bytes.fromhex(vector["seed"]), MAINNET)
            for chain in vector["chains"]:
                path = chain["path"].replace("H", "h")
                key = master.derive(path)
                assert key.to_string() == chain["xprv"]
                assert key.to_public().to_string() == chain["xpub"]
                assert ExtendedKey.parse(chain["xprv"], MAINNET) == key
                assert ExtendedKey.parse_public(chain["xpub"], MAINNET) == key.to_public()
                assert key.private_key.public_key == key.public_key == key.to_public().public_key
                assert master.derive(hd.parse_path(path.replace("h", "'"))) == key

    def test_invalid(self, bip: Load) -> None:
        for case in bip("bip32")["invalid"]:
            with pytest.raises(KeyMaterialError):
                ExtendedKey.parse(case["key"], MAINNET)

    def test_typed_in(self) -> None:
        master = ExtendedKey.from_seed(SEED, MAINNET)
        assert (master.to_string(), master.to_public().to_string()) == (XPRV, XPUB)


PATHS = st.lists(st.integers(min_value=0, max_value=2**32 - 1), max_size=4)


@settings(max_examples=30)
@given(st.binary(min_size=16, max_size=64), PATHS, st.sampled_from(list(NETWORKS.values())))
def test_string_round_trip(seed: bytes, path: list[int], network: Any) -> None:
    key = ExtendedKey.from_seed(seed, network).derive(path)
    assert ExtendedKey.parse(key.to_string(), network) == key
    assert ExtendedKey.parse(key.to_public().to_string(), network) == key.to_public()
    assert key.to_public().to_public() == key.to_public()
    assert (key.is_private, key.to_public().is_private) == (True, False)


@settings(max_examples=30)
@given(st.lists(st.integers(min_value=0, max_value=HARDENED - 1), min_size=1, max_size=3))
def test_public_derivation_meets_private_derivation(path: list[int]) -> None:
    account = ExtendedKey.from_seed(SEED, MAINNET).derive("m/48'/0'")
    watched = account.to_public()
    before = watched.to_string()
    assert watched.derive(path) == account.derive(path).to_public()
    assert watched.public_key_at(path) == account.public_key_at(path) == watched.derive(path).public_key
    assert watched.to_string() == before, "deriving a child changed its parent"


def test_other_prefixes_on_test_networks() -> None:
    key = ExtendedKey.from_seed(SEED, REGTEST)
    assert key.to_string().startswith("tprv")
    assert key.to_public().to_string().startswith("tpub")
    assert ExtendedKey.parse(key.to_string(), SIGNET).network == SIGNET
    with pytest.raises(KeyMaterialError, match="not an extended key of mainnet"):
        ExtendedKey.parse(key.to_string(), MAINNET)


def test_a_private_key_is_refused_where_a_public_one_is_wanted() -> None:
    with pytest.raises(KeyMaterialError, match="private extended key"):
        ExtendedKey.parse_public(XPRV, MAINNET)


def test_a_public_key_gives_no_private_one() -> None:
    public = ExtendedKey.parse(XPUB, MAINNET)
    with pytest.raises(KeyMaterialError, match="only the public half"):
        _ = public.private_key
    for path in ("m/0'", [HARDENED]):
        with pytest.raises(KeyMaterialError, match="hardened"):
            public.derive(path)


def payload(text: str = XPRV) -> bytes:
    return base58.decode_check(text) or b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        XPRV[:-1],
        XPRV + "1",
        " " + XPRV,
        XPRV + "\n",
        base58.encode_check(payload()[:-1]),
        base58.encode_check(payload() + b"\0"),
        base58.encode_check(bytes(78)),
        base58.encode_check(bytes.fromhex("04b2430c") + payload()[4:]),  # zprv (SLIP132)
        base58.encode_check(payload()[:45] + payload(XPUB)[45:]),
        base58.encode_check(payload(XPUB)[:45] + payload()[45:]),
        base58.encode_check(payload()[:46] + bytes(32)),
        base58.encode_check(payload()[:46] + curve.ORDER.to_bytes(32, "big")),
        base58.encode_check(payload()[:9] + b"\0\0\0\1" + payload()[13:]),
        "1" * 100_000,
    ],
)
def test_parse_refuses(text: str) -> None:
    for parse in (ExtendedKey.parse, ExtendedKey.parse_public):
        with pytest.raises(KeyMaterialError) as caught:
            parse(text, MAINNET)
        assert len(text) < 5 or text.strip() not in str(caught.value)


@given(st.text(max_size=120))
def test_any_text_is_our_error(text: str) -> None:
    with pytest.raises(KeyMaterialError):
        ExtendedKey.parse(text, MAINNET)


@pytest.mark.parametrize("seed", [b"", bytes(15), bytes(65)])
def test_seed_lengths(seed: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        ExtendedKey.from_seed(seed, MAINNET)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("m", ()),
        ("m/0", (0,)),
        ("m/1'/0", (HARDENED + 1, 0)),
        ("m/48h/0'/2147483647h", (HARDENED + 48, HARDENED, 2**32 - 1)),
    ],
)
def test_paths(path: str, steps: tuple[int, ...]) -> None:
    assert hd.parse_path(path) == steps


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "m/", "0/1", "M/0", "m/0/", "m//0", "m/-1", "m/+1", "m/ 1", "m/1 ", "m/1''", "m/1H", "m/'", "m/01",
        "m/2147483648", "m/4294967296'", "m/0x1", "m/1_0", "m/\u0661", "m/a", "m/1/m", "m\n", "m/" + "9" * 5000,
    ],
)  # fmt: skip
def test_paths_refused(path: str) -> None:
    with pytest.raises(InputError):
        ExtendedKey.from_seed(SEED, MAINNET).derive(path)


@pytest.mark.parametrize("path", [[-1], [2**32], [True], ["0"], [0.0]])
def test_steps_refused(path: list[int]) -> None:
    with pytest.raises(InputError):
        ExtendedKey.from_seed(SEED, MAINNET).derive(path)


def test_the_short_way_to_a_public_key_refuses_what_the_long_way_does() -> None:
    deep = ExtendedKey.from_seed(SEED, MAINNET).derive([0] * 254).to_public()
    assert deep.public_key_at([7]) == deep.derive([7]).public_key
    for path in ([7, 7], [HARDENED], [-1]):
        with pytest.raises(KeyMaterialError):
            deep.public_key_at(path)


def test_no_more_than_255_levels() -> None:
    deep = ExtendedKey.from_seed(SEED, MAINNET).derive([0] * 255)
    with pytest.raises(ReinError):
        deep.derive([0])


def test_the_secret_is_never_shown() -> None:
    key = ExtendedKey.from_seed(SEED, MAINNET)
    for text in (repr(key), str(key), f"{key}"):
        assert text == "ExtendedKey(<private>, depth=0, network=mainnet)"
    assert repr(key.to_public().derive("m/1")) == "ExtendedKey(<public>, depth=1, network=mainnet)"

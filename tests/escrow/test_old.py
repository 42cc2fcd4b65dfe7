"""Escrows of 2016: documents held against their own scripts, and spends to the satoshi."""

from __future__ import annotations

import pytest

from rein.btc.address import p2pkh_address, p2sh_address, p2sh_script, p2wpkh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST, TESTNET4
from rein.btc.psbt_p2sh import P2shInput, P2shPsbt
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned
from rein.errors import EscrowError, InputError, ReinError
from rein.escrow.legacy import (
    LegacyContract,
    LegacyPayment,
    build_legacy_spend,
    checked,
    legacy_contract,
    read_legacy_escrow,
)
from rein.protocol.signed import verify
from tests.support import legacy_documents as real
from tests.support.old_escrows import ALICE, BOB, CHARLIE, PEOPLE, STRANGER, keys, mediators, primary, scripts
from tests.support.people import armored

CREATOR, MEDIATOR, WORKER = (PEOPLE[name].public_key for name in "CMW")


def offer(changes: dict[str, str] | None = None, uncompressed: str = "", testnet: bool = False) -> str:
    """An offer as the clients of March 2016 wrote it, signed by its creator."""
    people, forms = keys(uncompressed), scripts(uncompressed)
    network = TESTNET4 if testnet else MAINNET
    fields = {
        "Job name": "A widget",
        "Worker": "Charlie",
        "Description": "As agreed.",
        "Bid amount (BTC)": "0.05",
        "Primary escrow address": p2sh_address(forms["primary"], network),
        "Mediator escrow address": p2sh_address(forms["mediator's"], network),
        "Job ID": "fyzfrxtrttcv8o04oj53",
        "Job creator": "Bob",
        "Job creator public key": people["C"].public_key.hex(),
        "Mediator public key": people["M"].public_key.hex(),
        "Worker public key": people["W"].public_key.hex(),
        "Primary escrow redeem script": forms["primary"].hex(),
        "Mediator escrow redeem script": forms["mediator's"].hex(),
    }
    rows = [f"{label}: {value}" for label, value in (fields | (changes or {})).items() if value]
    return armored("\n".join(["Rein Offer", *rows]), people["C"], REGTEST if testnet else MAINNET)


def contract_of(text: str) -> LegacyContract:
    return legacy_contract(verify(text).document)


class TestDocuments:
    def test_the_authors_own_offer_names_another_mediator_than_its_scripts(self) -> None:
        found = contract_of(real.OFFER)
        assert found.primary.address(MAINNET) == "3GJrubCa1wCFMUqnwPhuyeQXdWTD8hecdG"
        assert found.mediator.address(MAINNET) == "3R1Pzho6Yca27AceUHBYnmg6S2NbT1LtLs"
        assert found.primary.keys == (CHARLIE, BOB, ALICE), "the order of keys of January 2016"
        assert found.mediator.keys == (ALICE, BOB, CHARLIE)
        assert found.primary.rule() == (
            f"Any 2 of these 3 can take the money: {CHARLIE.hex()} (worker Charlie), "
            f"{BOB.hex()} (job creator Bob and mediator Bob), {ALICE.hex()}."
        )
        assert found.mediator.rule().startswith(f"All 3 have to sign: {ALICE.hex()}, {BOB.hex()}")
        assert found.doubts == (
            f"the primary escrow names {ALICE.hex()}, which the document does not",
            f"the mediator's escrow names {ALICE.hex()}, which the document does not",
            "the key that has to sign in the mediator's escrow is not the one the document calls mediator's",
        )

    @pytest.mark.parametrize("testnet", [False, True])
    @pytest.mark.parametrize("uncompressed", ["", "C", "CMW"])
    def test_an_honest_offer(self, uncompressed: str, testnet: bool) -> None:
        found = contract_of(offer(uncompressed=uncompressed, testnet=testnet))
        forms = scripts(uncompressed)
        assert found.doubts == ()
        assert {name: escrow.redeem_script for name, escrow in found.escrows.items()} == {
            "primary": forms["primary"],
            "mediator": forms["mediator's"],
        }
        people = {name: key.public_key.hex() for name, key in keys(uncompressed).items()}
        assert found.mediator.rule() == (
            f"{people['M']} (mediator) has to sign, and one of these 2: "
            f"{people['C']} (job creator Bob), {people['W']} (worker Charlie)."
        )

    def test_an_address_that_is_not_its_scripts(self) -> None:
        """C3 of 2016: a worker could put an address there that he alone controls, and nobody compared."""
        his = p2sh_address(primary(CREATOR, MEDIATOR, STRANGER.public_key), MAINNET)
        for label in ("Primary", "Mediator"):
            why = rf"^the document's {label.lower()} escrow address is not the one of its redeem script$"
            with pytest.raises(EscrowError, match=why) as caught:
                contract_of(offer({f"{label} escrow address": his}))
            assert caught.value.hint == (
                "Believe neither. The money, if any was paid, lies at the address it was paid to."
            )
            with pytest.raises(EscrowError):
                contract_of(offer({f"{label} escrow address": ""}))

    def test_scripts_of_other_people_are_told(self) -> None:
        script = primary(CREATOR, STRANGER.public_key, WORKER)
        found = contract_of(
            offer(
                {
                    "Primary escrow redeem script": script.hex(),
                    "Primary escrow address": p2sh_address(script, MAINNET),
                }
            )
        )
        assert found.doubts == (
            f"the primary escrow names {STRANGER.public_key.hex()}, which the document does not",
            f"the document names {MEDIATOR.hex()} (mediator), whom the primary escrow does not",
        )

    def test_a_mediators_escrow_that_the_mediator_is_not_needed_for(self) -> None:
        script = mediators(WORKER, CREATOR, MEDIATOR)
        changes = {
            "Mediator escrow redeem script": script.hex(),
            "Mediator escrow address": p2sh_address(script, MAINNET),
        }
        [doubt] = contract_of(offer(changes)).doubts
        assert "has to sign" in doubt

    @pytest.mark.parametrize("script", ["", "zz", "51", scripts()["mediator's"].hex()])
    def test_no_script_of_the_form(self, script: str) -> None:
        changes = {"Primary escrow redeem script": script}
        if len(script) > 4:
            changes["Primary escrow address"] = p2sh_address(bytes.fromhex(script), MAINNET)
        with pytest.raises(EscrowError):
            contract_of(offer(changes))

    def test_a_mediators_escrow_of_the_other_form(self) -> None:
        script = scripts()["primary"]
        changes = {
            "Mediator escrow redeem script": script.hex(),
            "Mediator escrow address": p2sh_address(script, MAINNET),
        }
        with pytest.raises(
            EscrowError, match=r"^the document's redeem scripts are not of the forms of its two escrows$"
        ):
            contract_of(offer(changes))

    def test_documents_without_escrows(self) -> None:
        for text in (real.JOB, real.ENROLLMENT_BOB):
            with pytest.raises(EscrowError, match=r"^the field 'Primary escrow redeem script': "):
                contract_of(text)

    def test_a_key_left_out_hides_no_other(self) -> None:
        found = contract_of(offer({"Mediator public key": ""}))
        assert [found.primary.who(key) for key in (CREATOR, MEDIATOR, WORKER)] == [
            f"{CREATOR.hex()} (job creator Bob)",
            MEDIATOR.hex(),
            f"{WORKER.hex()} (worker Charlie)",
        ]

    def test_a_long_name_is_cut(self) -> None:
        rule = contract_of(offer({"Worker": "x" * 500})).primary.rule()
        assert f"(worker {'x' * 40})" in rule


def test_of_a_script_alone_nobody_is_named() -> None:
    first, second, third = (key.hex() for key in (CREATOR, MEDIATOR, WORKER))
    assert read_legacy_escrow(SCRIPT.hex()).script == p2sh_script(SCRIPT)
    assert read_legacy_escrow(SCRIPT.hex()).rule() == (
        f"Any 2 of these 3 can take the money: {first}, {second}, {third}."
    )


def test_what_is_no_hexadecimal_is_said_to_be_none() -> None:
    with pytest.raises(InputError, match=r"^a redeem script is written in hexadecimal digits$"):
        read_legacy_escrow("xyz")


@pytest.mark.parametrize("text", ["", "5", "xyz", "51", "00" * 521, "00" * 100_000])
def test_no_redeem_script(text: str) -> None:
    with pytest.raises(InputError):
        read_legacy_escrow(text)


SCRIPT = scripts()["primary"]
ADDRESS = p2pkh_address(WORKER, REGTEST)


def coin(amount: int = 5_000_000, script: bytes = SCRIPT, number: int = 0) -> P2shInput:
    previous = build_unsigned([OutPoint("ee" * 32, number)], [TxOutput(Sat(amount), p2sh_script(script))])
    return P2shInput(previous, 0, script)


def pay(*amounts: int) -> list[LegacyPayment]:
    return [LegacyPayment(ADDRESS, Sat(amount)) for amount in amounts]


class TestSpends:
    def test_to_the_satoshi(self) -> None:
        psbt = build_legacy_spend([coin(), coin(number=1)], pay(9_000_000, 990_000), Sat(10_000), REGTEST)
        assert psbt.fee == 10_000
        assert [output.amount for output in psbt.outputs] == [9_000_000, 990_000]

    @pytest.mark.parametrize("difference", [-1, 1, -4_000_000])
    def test_nothing_is_left_over(self, difference: int) -> None:
        with pytest.raises(EscrowError) as caught:
            build_legacy_spend([coin()], pay(4_990_000 + difference), Sat(10_000), REGTEST)
        assert caught.value.message == (
            f"the outputs hold 5000000 sat, and payments and fee are {5_000_000 + difference} sat"
        )
        assert caught.value.hint == f"Change a payment by {-difference:+d} sat."

    def test_the_fee_has_a_band(self) -> None:
        vsize = build_legacy_spend([coin()], pay(4_990_000), Sat(10_000), REGTEST).vsize
        for fee, good in ((vsize - 1, False), (vsize, True), (500 * vsize, True), (500 * vsize + 1, False)):
            if good:
                assert build_legacy_spend([coin()], pay(5_000_000 - fee), Sat(fee), REGTEST).fee == fee
            else:
                with pytest.raises(EscrowError, match="outside"):
                    build_legacy_spend([coin()], pay(5_000_000 - fee), Sat(fee), REGTEST)

    def test_dust_and_other_networks(self) -> None:
        with pytest.raises(EscrowError, match=rf"^545 sat to {ADDRESS} is dust: under 546 sat$"):
            build_legacy_spend([coin()], pay(4_989_455, 545), Sat(10_000), REGTEST)
        assert build_legacy_spend([coin()], pay(4_989_454, 546), Sat(10_000), REGTEST).outputs[1].amount == 546
        elsewhere = [LegacyPayment(p2pkh_address(WORKER, MAINNET), Sat(4_990_000))]
        with pytest.raises(InputError, match="mainnet"):
            build_legacy_spend([coin()], elsewhere, Sat(10_000), REGTEST)

    def test_nothing_to_spend_or_to_pay(self) -> None:
        for inputs, payments in (([], pay(1000)), ([coin()], [])):
            with pytest.raises(InputError, match=r"^a payment needs an output to spend and an address to pay$"):
                build_legacy_spend(inputs, payments, Sat(1000), REGTEST)

    def test_the_same_output_twice(self) -> None:
        with pytest.raises(ReinError, match="twice"):
            build_legacy_spend([coin(), coin()], pay(9_990_000), Sat(10_000), REGTEST)

    @pytest.mark.parametrize(
        "odd", [{"locktime": 700_000}, {"sequence": 5}, {"sequence": 0}, {"version": 3}, {"version": 0}]
    )
    def test_a_psbt_that_is_locked_is_not_signed(self, odd: dict[str, int]) -> None:
        """Somebody's PSBT, right in all but its lock."""
        good = build_legacy_spend([coin()], pay(4_990_000), Sat(10_000), REGTEST)
        other = build_unsigned(good.transaction.inputs, good.outputs, **odd)
        with pytest.raises(EscrowError, match=r"^the PSBT is locked in time or of an odd version; |read in two ways"):
            checked(P2shPsbt(good.raw.replace(good.transaction.raw, other.raw)))

    @pytest.mark.parametrize("usual", [{"version": 1}, {"sequence": 0xFFFFFFFE}, {"sequence": 0xFFFFFFFF}])
    def test_a_psbt_as_other_wallets_make_it_is(self, usual: dict[str, int]) -> None:
        good = build_legacy_spend([coin()], pay(4_990_000), Sat(10_000), REGTEST)
        other = build_unsigned(good.transaction.inputs, good.outputs, **usual)
        psbt = P2shPsbt(good.raw.replace(good.transaction.raw, other.raw))
        assert checked(psbt) is psbt

    def test_a_psbt_whose_fee_is_a_gift_is_not_signed(self) -> None:
        """S27: the amounts are proved, so a fee too high is seen as one."""
        generous = P2shPsbt.create([coin()], [TxOutput(Sat(1_000_000), p2wpkh_script(WORKER))])
        lowest, highest = generous.vsize, 500 * generous.vsize
        with pytest.raises(EscrowError) as caught:
            checked(generous)
        assert caught.value.message == (
            f"the fee of 4000000 sat is outside {lowest} to {highest} sat (1 to 500 sat/vB)"
        )

    def test_a_psbt_with_a_wrong_signature_is_not_signed(self) -> None:
        good = build_legacy_spend([coin()], pay(4_990_000), Sat(10_000), REGTEST)
        other = build_legacy_spend([coin()], pay(4_980_000), Sat(20_000), REGTEST).sign(PEOPLE["C"])
        swapped = other.raw.replace(other.transaction.raw, good.transaction.raw)
        with pytest.raises(EscrowError, match="not valid"):
            checked(P2shPsbt(swapped))


def test_keys_of_2016_in_wif_of_either_length() -> None:
    for compressed in (True, False):
        uncompressed = "" if compressed else "CMW"
        script = scripts(uncompressed)["mediator's"]
        psbt = build_legacy_spend([coin(script=script)], pay(4_990_000), Sat(10_000), REGTEST)
        for name in "MW":
            psbt = psbt.sign(PrivateKey.from_wif(keys(uncompressed)[name].to_wif(MAINNET), MAINNET))
        assert isinstance(psbt.finalize(), Transaction)

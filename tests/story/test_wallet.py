"""From the pay of a job to money in another wallet, by commands; and where jobs pay if a person says so."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path

import pytest

from rein.btc.address import script_of_address
from rein.btc.bip84 import RECEIVING
from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.identity.keyring import Keyring
from tests.story.conftest import Person, Trio, World, post, settled
from tests.story.test_every_day import in_words

OTHER = Keyring("robot excuse run dwarf depth candy emerge puzzle gospel churn kick tool", REGTEST).account
THIRD = Keyring("abandon " * 11 + "about", REGTEST).account


def held(chain: CoreRpc, address: str) -> int:
    return sum(each.amount for each in chain.unspent_outputs([script_of_address(address, REGTEST)]))


def test_who_earned_it_spends_it(trio: Trio, chain: CoreRpc) -> None:
    job_id, to = settled(trio).job_id, OTHER.address(RECEIVING, 50)
    told = trio.charlie.rein("status", "--jobid", job_id)
    (earned,) = told["paid"]
    assert (earned["amount_sat"], earned["own_wallet"], earned["spent"]) == (1_500_000, True, False)
    words = in_words(trio.charlie, "status", "--jobid", job_id)
    assert f"You were paid 0.01500000 BTC (1,500,000 sat) at {earned['address']}." in words
    assert f"wallet send ADDRESS AMOUNT --from {job_id}" in words
    assert "wallet send ADDRESS AMOUNT" in in_words(trio.charlie, "status")

    (coin,) = [each for each in trio.charlie.rein("wallet")["coins"] if each["job_id"] == job_id]
    assert (coin["amount_sat"], coin["address"]) == (1_500_000, earned["address"])
    send = ("wallet", "send", to, "0.004", "--from", job_id, "--feerate", "5")
    (dry,) = trio.charlie.rein(*send, "--dry-run")["payments"]
    assert (dry["sent"], dry["of"], held(chain, to)) == (False, [job_id], 0)
    (sent,) = trio.charlie.rein(*send)["payments"]
    assert sent["sent"]
    assert sent["amount_sat"] + sent["fee_sat"] + sent["change_sat"] == 1_500_000
    trio.bob.rein("devnet", "mine", "1")
    assert held(chain, to) == 400_000
    (change,) = [each for each in trio.charlie.rein("wallet")["coins"] if each["job_id"] == job_id]
    assert (change["amount_sat"], change["address"]) == (sent["change_sat"], sent["change_address"])
    mine = [each for each in trio.charlie.rein("wallet", "history")["history"] if each["job_id"] == job_id]
    assert sum(each["amount_sat"] for each in mine) == sent["change_sat"]
    (spent,) = trio.charlie.rein("status", "--jobid", job_id)["paid"]
    assert spent["spent"] is True
    # The creator has what came back, the mediator the fee: each in a wallet of their own.
    (fee,) = [each for each in trio.alice.rein("wallet")["coins"] if each["job_id"] == job_id]
    assert fee["amount_sat"] == 15_000


def test_everything_goes_to_another_wallet_in_one_payment_for_each_job(trio: Trio, chain: CoreRpc) -> None:
    jobs = {settled(trio).job_id, settled(trio).job_id}
    assert trio.charlie.fails("wallet", "send", OTHER.address(RECEIVING, 0), "all")["code"] == "input"
    swept = trio.charlie.rein("wallet", "sweep", OTHER.both_branches(), "--feerate", "2")["payments"]
    assert jobs <= {each["of"][0] for each in swept}
    assert all(len(each["of"]) == 1 for each in swept)
    assert len({each["address"] for each in swept}) == len(swept), "no two jobs meet there either"
    trio.bob.rein("devnet", "mine", "1")
    assert sum(held(chain, each["address"]) for each in swept) == sum(each["amount_sat"] for each in swept)
    left = trio.charlie.rein("wallet")
    assert (left["balance_sat"], left["coins"]) == (0, [])


def test_a_psbt_is_signed_elsewhere(trio: Trio, tmp_path: Path) -> None:
    job_id, file = settled(trio).job_id, tmp_path / "spend.psbt"
    before = trio.charlie.rein("wallet")["balance_sat"]
    words = ("wallet", "send", OTHER.address(RECEIVING, 3), "0.001", "--from", job_id, "--feerate", "2", "--psbt")
    answer = trio.charlie.rein(*words, "-o", str(file))
    (planned,) = answer["payments"]
    assert file.read_bytes() == b64decode(planned["psbt"])
    shown = trio.charlie.rein("psbt", "show", str(file))
    assert shown["txid_unsigned"] == planned["txid"]
    assert shown["fee_sat"] == planned["fee_sat"]
    assert trio.charlie.fails(*words, "-o", str(file))["code"] == "input", "no file is overwritten"
    assert trio.charlie.rein("wallet")["balance_sat"] == before


def test_the_wallet_is_exported_public_unless_asked(trio: Trio) -> None:
    (public,) = trio.charlie.rein("wallet", "export")["accounts"]
    assert "prv" not in str(public)
    assert public["descriptors"] == [each["desc"] for each in public["importdescriptors"]]
    (secret,) = trio.charlie.rein("wallet", "export", "--private")["accounts"]
    assert secret["fingerprint"] == public["fingerprint"]
    assert all("tprv" in each for each in secret["descriptors"])


def test_jobs_pay_where_a_person_says(trio: Trio) -> None:
    job_id, to = post(trio)["job_id"], OTHER.address(RECEIVING, 9)
    bid = ("bid", "--jobid", job_id, "--amount", "0.01", "--description", "d", "--dry-run")
    assert f"Worker payment address: {to}" in trio.charlie.rein(*bid, "--pay-to", to)["document"]
    assert f"You are paid at {to}" in in_words(trio.charlie, *bid, "--pay-to", to)
    for wrong in ("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "nonsense"):
        assert trio.charlie.fails(*bid, "--pay-to", wrong)["exit_code"] == 2
    trio.charlie.rein("config", "payout", THIRD.electrum_key())
    try:
        documents = [trio.charlie.rein(*bid)["document"] for _ in range(2)]
        addresses = [THIRD.address(RECEIVING, number) for number in range(2)]
        for document, address in zip(documents, addresses, strict=True):
            assert f"Worker payment address: {address}" in document, "a fresh one each time"
        assert addresses[0] not in trio.charlie.rein(*bid, "--pay-to", "wallet")["document"]
    finally:
        trio.charlie.rein("config", "payout", "wallet")
    assert "payout" not in trio.charlie.rein("config")["settings"]
    assert trio.charlie.fails("config", "payout", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")["code"] == "input"


def test_a_mediator_is_paid_where_the_enrollment_says(trio: Trio, world: World, tmp_path: Path) -> None:
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dan, to = Person("dan", tmp_path / "dan"), OTHER.address(RECEIVING, 12)
    setup = ("setup", "--name", "dan", "--contact", "x", "--pay-to", to)
    assert dan.fails(*chain, *setup, "--no-mediate")["code"] == "input"
    made = dan.rein(*chain, *setup, "--mediate", "--fee", "1.0")
    stored = in_words(dan, "enroll", "--contact", "y", "--dry-run")
    assert f"Mediator payment address: {to}" in stored, "a renewal leaves it as it was"
    own = dan.rein("enroll", "--pay-to", "wallet", "--dry-run")["document"]
    assert f"Mediator payment address: {Keyring(made['words'], REGTEST).account.address(RECEIVING, 0)}" in own
    assert dan.fails("enroll", "--no-mediate", "--pay-to", to)["code"] == "input"


@pytest.mark.slow
def test_restored_from_words_it_is_all_there(trio: Trio, world: World, tmp_path: Path) -> None:
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    eve = Person("eve", tmp_path / "eve")
    words = eve.rein(*chain, "setup", "--name", "eve", "--contact", "e", "--no-mediate")["words"]
    for url in world.server_urls:
        eve.rein("request", url)
    agreed = settled(Trio(trio.alice, trio.bob, eve))
    other = ("bid", "--jobid", post(trio)["job_id"], "--amount", "0.01", "--description", "d")
    eve.rein("sync")
    elsewhere = eve.rein(*other, "--pay-to", OTHER.address(RECEIVING, 30))["document_id"]
    eve.rein("sync")
    before = eve.rein("wallet")
    assert before["balance_sat"] == 1_500_000

    again, (reading, writing) = Person("eve", tmp_path / "again"), os.pipe()
    os.write(writing, words.encode())
    os.close(writing)
    restored = again.rein(*chain, "setup", "--restore", "--server", world.server_urls[0], "--words-fd", str(reading))
    assert (restored["lost"], restored["paid_elsewhere"]) == ([], [elsewhere])
    again.rein("sync")
    after = again.rein("wallet")
    assert after["coins"] == before["coins"]
    assert after["coins"][0]["job_id"] == agreed.job_id
    (named,) = again.rein("wallet", "addresses")["addresses"]
    assert named["job_id"] == agreed.job_id
    assert named["address"] not in again.rein(*other, "--dry-run")["document"], "no address is named twice"

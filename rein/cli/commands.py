"""Every command there is, by section. This table is what `rein --help`, completion and docs/cli.md are made from; a
command's module is imported only when the command is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Section:
    """A package of commands.

    :ivar title: what it is about.
    :ivar commands: name: module that holds the command under that name, and what it does.
    """

    title: str
    commands: Mapping[str, tuple[str, str]]


SECTIONS: Final[Mapping[str, Section]] = {
    "identity": Section(
        "Your identity, its keys and backups",
        {
            "setup": ("rein.cli.identity.setup", "Create your identity."),
            "identities": ("rein.cli.identity.identities", "List the identities of this home."),
            "enroll": ("rein.cli.identity.enroll", "Change your contact, terms or delegate."),
            "unlock": ("rein.cli.identity.unlock", "Keep your key file open for a while."),
            "lock": ("rein.cli.identity.unlock", "Close it again."),
            "backup": ("rein.cli.identity.backup", "Write this home into one encrypted file."),
            "restore": ("rein.cli.identity.backup", "Make a home from such a file."),
        },
    ),
    "hosting": Section(
        "The servers that hold your documents",
        {
            "request": ("rein.cli.hosting.request", "Ask a server for free microhosting."),
            "buy": ("rein.cli.hosting.buy", "Buy hosting at a server."),
            "servers": ("rein.cli.hosting.servers", "List your servers: price, space, expiry, speed."),
            "server": ("rein.cli.hosting.server", "Request or buy hosting, list your servers."),
        },
    ),
    "sync": Section(
        "Exchanging documents with servers",
        {"sync": ("rein.cli.sync.sync", "Upload what you wrote, fetch what is new.")},
    ),
    "market": Section(
        "Jobs, people and their reputation",
        {
            "jobs": ("rein.cli.market.jobs", "List the jobs you could bid on, and your own."),
            "mediators": ("rein.cli.market.mediators", "List who would mediate, and their proven record."),
            "search": ("rein.cli.market.search", "Search jobs and people."),
            "hide": ("rein.cli.market.hide", "Hide a job, a bid or a person from your lists."),
            "unhide": ("rein.cli.market.hide", "Show it again."),
            "rate": ("rein.cli.market.rate", "Rate somebody you had a job with."),
            "trust": ("rein.cli.market.trust", "Show how somebody was rated, and by whom you trust."),
        },
    ),
    "jobs": Section(
        "From posting a job to its delivery",
        {
            "post": ("rein.cli.jobs.post", "Post a job."),
            "bid": ("rein.cli.jobs.bid", "Bid on a job."),
            "bids": ("rein.cli.jobs.bids", "List the bids on your jobs, and those you made."),
            "offer": ("rein.cli.jobs.offer", "Give your job to a bid."),
            "deliver": ("rein.cli.jobs.deliver", "Deliver what was asked for."),
            "withdraw": ("rein.cli.jobs.withdraw", "Take back a document you have not published."),
        },
    ),
    "money": Section(
        "The escrows: funding, payments, disputes",
        {
            "fund": ("rein.cli.money.fund", "Show what to pay into escrow, and watch it arrive."),
            "accept": ("rein.cli.money.accept", "Accept a delivery and sign both payments."),
            "collect": ("rein.cli.money.collect", "Collect your money."),
            "settle": ("rein.cli.money.settle", "Propose to the other how to end a job."),
            "refund": ("rein.cli.money.settle", "Give the money back to the job creator."),
            "agree": ("rein.cli.money.settle", "Agree to a settlement or a refund."),
            "dispute": ("rein.cli.money.dispute", "Open a dispute: the mediator decides."),
            "creatordispute": ("rein.cli.money.dispute", "Open a dispute, as the job creator."),
            "workerdispute": ("rein.cli.money.dispute", "Open a dispute, as the worker."),
            "resolve": ("rein.cli.money.resolve", "Decide a dispute, as the mediator."),
            "acceptresolution": ("rein.cli.money.resolve", "Accept the mediator's decision."),
            "bump": ("rein.cli.money.bump", "Bump the fee of an unconfirmed payment."),
            "explain": ("rein.cli.money.explain", "Explain a payment before anybody signs it."),
            "psbt": ("rein.cli.money.psbt", "Show, combine, export and import PSBTs of any wallet."),
            "oldescrow": ("rein.cli.money.oldescrow", "Show and spend the P2SH escrows of 2016."),
        },
    ),
    "messages": Section(
        "Sealed messages",
        {
            "message": ("rein.cli.messages.message", "Write to another party of a job, sealed."),
            "messages": ("rein.cli.messages.message", "Read the messages of a job."),
            "disclose": ("rein.cli.messages.message", "Let the mediator read a conversation."),
        },
    ),
    "evidence": Section(
        "Documents outside of servers",
        {
            "keep": ("rein.cli.evidence.keep", "Keep signed documents that somebody handed you."),
            "verify": ("rein.cli.evidence.verify", "Verify a document's signature and its author's authority."),
            "case": ("rein.cli.evidence.case", "Put a job into one file that proves itself, or check one."),
        },
    ),
    "status": Section(
        "Where your jobs stand",
        {"status": ("rein.cli.status.status", "Show your jobs, or the story of one.")},
    ),
    "wallet": Section(
        "What you were paid",
        {"wallet": ("rein.cli.wallet.wallet", "Show, spend and export what you were paid.")},
    ),
    "accounting": Section(
        "Books",
        {"export": ("rein.cli.accounting.export", "Write your ledger, or the invoice or receipt of a job.")},
    ),
    "notify": Section(
        "News",
        {"watch": ("rein.cli.notify.watch", "Be notified of news in the market and in your jobs.")},
    ),
    "diagnostics": Section(
        "This installation, and trying it out",
        {
            "config": ("rein.cli.config", "Show or change a setting."),
            "testnet": ("rein.cli.config", "Work on the test network: true or false."),
            "doctor": ("rein.cli.diagnostics.doctor", "Check your installation."),
            "completion": ("rein.cli.completion", "Let your shell complete commands and options."),
            "demo": ("rein.cli.demo", "Watch a whole job on a private chain."),
            "devnet": ("rein.cli.devnet", "Run a private regtest chain."),
        },
    ),
}

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    name: row for section in SECTIONS.values() for name, row in section.commands.items()
}
"""All of them, in the order of their sections."""

ALIASES: Final[Mapping[str, str]] = {
    "show JOB": "status --jobid",
    "accept-resolution": "acceptresolution",
}
"""Plain names beside those of the table: what may be typed, and the command it stands for. A word in capitals is an
argument that takes the place of the option behind the command. A group of plain names is a command of the table."""


def names() -> list[str]:
    """What may follow `rein`: commands and aliases."""
    return [*COMMANDS, *(alias.split()[0] for alias in ALIASES)]

"""The one list of settings: the file's keys, variables, flags, their help and the table in docs/operations.md follow
from it."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.networks import NETWORKS


@dataclass(frozen=True)
class Setting:
    """One setting. `default` is its text where it is not set; `metavar` is empty for yes or no."""

    name: str
    metavar: str
    default: str
    what: str
    more_variables: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that set it, the first that is not empty."""
        return (f"CAUSEWAY_{self.name.upper()}", *self.more_variables)


SETTINGS: tuple[Setting, ...] = (
    Setting("network", "NAME", "mainnet", f"Bitcoin network: {', '.join(NETWORKS)}."),
    Setting("data", "DIR", "~/.causeway", "Data directory: the embedded PostgreSQL is in it."),
    Setting("database_url", "URL", "", "PostgreSQL to use; not given, or none: an embedded one.", ("DATABASE_URL",)),
    Setting("host", "ADDRESS", "127.0.0.1", "Address to listen on."),
    Setting("port", "N", "2016", "Port; 0 for any free one."),
    Setting("public_urls", "URLS", "", "Addresses people reach it by; only requests signed for one are served."),
    Setting("workers", "N", "", "Processes that answer; two, or one on one core, if not given."),
    Setting("threads", "N", "16", "Threads in each of them; each may hold a database connection."),
    Setting("log_format", "text|json", "text", "How log lines are written."),
    Setting("log_requests", "", "no", "Log a line for each request, too."),
    Setting("metrics_public", "", "no", "Answer /metrics to everybody, not only to local addresses."),
    Setting("rate_read", "RATES", "1200/minute, 20000/hour", "Requests that read, for each address."),
    Setting("rate_write", "RATES", "600/minute, 10000/hour", "Values written, for each address and each account."),
    Setting("rate_request", "RATES", "20/minute, 200/day", "Buckets asked for, for each address."),
    Setting("local", "CIDRS", "127.0.0.0/8, ::1/128", "Addresses without rate limits that may read /metrics."),
    Setting("trusted_proxy", "CIDRS", "", "Reverse proxies whose X-Forwarded-For is believed."),
    Setting("price_sat", "N", "0", "Satoshis for a bucket: 1 MB and 50 MB of transfer for a year; 0 for free."),
    Setting(
        "free_buckets", "N", "", "Free buckets an owner may have; 4, or none where there is a price, if not given."
    ),
    Setting("free_buckets_a_day", "N", "20", "Free buckets a day for each subnet (/24, or /48 of IPv6)."),
    Setting("payment_descriptor", "XPUB", "", "Extended public key, or wpkh(xpub/0/*), that deposits are paid to."),
    Setting("confirmations", "N", "", "Blocks until a deposit counts; 2, or 1 on regtest, if not given."),
    Setting("chain_url", "URL", "", "RPC of the Bitcoin Core that is asked for deposits: http://user:password@host."),
    Setting("chain_cookie", "FILE", "", "Bitcoin Core's cookie file, instead of user and password."),
    Setting("watch_interval_s", "N", "15", "Seconds between two checks for a new block."),
    Setting("smtp_url", "URL", "", "Mail server for warnings: smtp://user:password@host:587, or smtps://."),
    Setting("mail_from", "EMAIL", "", "Who the warnings are from."),
    Setting("grace_days", "N", "30", "Days that the values of an expired bucket are kept and served."),
    Setting("sweep_interval_s", "N", "900", "Seconds between two sweeps; 0 if only `causeway sweep` is to do it."),
    Setting("peers", "URLS", "", "Servers whose documents are pulled, verified and served here too."),
    Setting("peers_proxy", "ADDRESS", "", "SOCKS5 proxy for peers that are onion services: 127.0.0.1:9050."),
    Setting("pull_interval_s", "N", "30", "Seconds between two pulls; 0 if only `causeway replicate` is to do it."),
    Setting("pull_documents", "N", "3000", "Documents that are read from each peer in a minute."),
    Setting("pull_mb", "N", "20", "Megabytes that are read from each peer in a minute."),
    Setting("replica_mb", "N", "1000", "Megabytes of documents kept for peers; when they are full, pulling pauses."),
    Setting("replica_signer_mb", "N", "10", "Megabytes of them that one key may have signed."),
    Setting("cors_origins", "ORIGINS", "", "Web pages that may call this server from a browser; * for all."),
)

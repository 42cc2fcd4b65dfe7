"""A real SMTP server for tests: it keeps what it takes, and refuses or hangs up where it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from causeway.outbound import MailServer, read_mail_server


@dataclass
class SmtpServer:
    """What came, and how the next mail is answered."""

    mails: list[EmailMessage] = field(default_factory=list)
    reply: str | None = None
    hang_up_after_data: bool = False
    port: int = 0

    def server(self) -> MailServer:
        # No property: aiosmtpd looks at every attribute of its handler.
        return read_mail_server(f"smtp://127.0.0.1:{self.port}")

    def taken(self) -> list[tuple[str, str]]:
        """(To, Subject) of the mails since the last call."""
        taken = [(str(mail["To"]), str(mail["Subject"])) for mail in self.mails]
        self.mails.clear()
        return taken

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.reply is not None:
            return self.reply
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [mail["To"]]
        self.mails.append(mail)
        if self.hang_up_after_data:
            # Ingested, and the sender never hears of it.
            _server.transport.abort()
        return "250 OK"


@contextmanager
def smtp_server(**options: Any) -> Iterator[SmtpServer]:
    """A running SMTP server on a free port of loopback."""
    office = SmtpServer()
    controller = Controller(office, hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    try:
        office.port = controller.port
        yield office
    finally:
        controller.stop()


def accept(user: bytes, password: bytes) -> Any:
    """An authenticator that knows one password."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        good = isinstance(given, LoginPassword) and (given.login, given.password) == (user, password)
        return AuthResult(success=good)

    return check


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])

"""Sending mail by an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol

from causeway.errors import MailError, MailLostError, MailRefusedError
from causeway.outbound import MailServer, is_email

TIMEOUT_S = 20


class Mailer(Protocol):
    """Sends mail."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Send one mail.

        :raises MailError: it was not sent, and may be tried later. MailRefusedError: it never will be.
            MailLostError: it is unknown whether it was.
        """
        ...


class SmtpMailer:
    """A Mailer that opens a connection for each mail: there are few."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    def send(self, to: str, subject: str, text: str) -> None:
        message = self._message(to, subject, text)
        with self._connect() as smtp:
            try:
                smtp.send_message(message, self._sender, [to])
            except smtplib.SMTPRecipientsRefused as error:
                code, _ = next(iter(error.recipients.values()))
                raise _refused(code) from error
            except smtplib.SMTPResponseException as error:
                raise _refused(error.smtp_code) from error
            except (smtplib.SMTPException, OSError) as error:
                raise MailLostError("the connection to the mail server broke while it took a mail") from error

    def check(self) -> None:
        """Connect, encrypt and log in as for a mail, and send none.

        :raises MailError: no mail could be sent now.
        """
        with self._connect() as smtp:
            try:
                smtp.noop()
            except (smtplib.SMTPException, OSError) as error:
                raise MailError("the connection to the mail server broke") from error

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        if not is_email(to) or not subject.isprintable():
            # The caller's fault: what comes from strangers is sorted out before.
            raise ValueError("a mail needs one plain address and a subject of one line")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        # RFC 3834: no holiday notices in answer to this.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    def _connect(self) -> smtplib.SMTP:
        """A connection that may send. Whatever fails here, nothing was sent."""
        server = self._server
        context = ssl.create_default_context()
        smtp: smtplib.SMTP | None = None
        try:
            if server.tls:
                smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
            else:
                smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
                smtp.ehlo()
                if smtp.has_extn("starttls"):
                    smtp.starttls(context=context)
                elif server.user is not None:
                    raise MailError("the mail server offers no encryption, so it is not told the password")
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except MailError:
            if smtp is not None:
                smtp.close()
            raise
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise MailError(f"the mail server {server.host} cannot be used: {type(error).__name__}") from error
        return smtp


def _refused(code: int) -> MailError:
    """By RFC 5321, replies of 500 and more are final, those of 400 and more are not."""
    kind = MailRefusedError if code >= 500 else MailError
    return kind(f"the mail server refuses a mail with code {code}")

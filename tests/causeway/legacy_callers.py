"""Clients of a causeway server, honest and not: each request as a program would write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.protocol.auth import put_text
from rein.protocol.signed import Signed
from tests.support.people import Person


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    data: dict[str, Any]

    @property
    def code(self) -> str | None:
        return self.data.get("code")

    @property
    def outcome(self) -> tuple[int, str | None]:
        """HTTP status and error code."""
        return self.status, self.code


class Caller:
    """Talks to one server."""

    def __init__(self, http: FlaskClient) -> None:
        self.http = http

    def get(self, path: str, /, **parameters: object) -> Answer:
        return self.read(self.http.get(path, query_string=dict(parameters)))

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        return self.read(self.http.post(path, json=dict(body)))

    def register(self, who: Person, buckets: int = 1) -> None:
        """Ask for buckets."""
        for _ in range(buckets):
            answer = self.get("/request", owner=who.master_address, delegate=who.delegate_address, contact=who.contact)
            assert answer.data["result"] == "success", answer.data

    def nonce(self, owner: Person) -> str:
        answer = self.get("/nonce", address=owner.master_address)
        assert answer.status == 200, answer.data
        return str(answer.data["nonce"])

    def put(
        self,
        owner: Person,
        key: str,
        value: str | Signed[Any],
        /,
        *,
        by: PrivateKey | None = None,
        nonce: str | None = None,
        **changes: object,
    ) -> Answer:
        """Store a value, signed by the owner's master key unless somebody else's is given."""
        return self.post("/put", self.put_body(owner, key, value, by=by, nonce=nonce, **changes))

    def put_body(
        self,
        owner: Person,
        key: str,
        value: str | Signed[Any],
        /,
        *,
        by: PrivateKey | None = None,
        nonce: str | None = None,
        **changes: object,
    ) -> dict[str, object]:
        text = value if isinstance(value, str) else value.armored
        signer = by or owner.master
        address = p2pkh_address(signer.public_key, owner.network)
        nonce = nonce or self.nonce(owner)
        return {
            "key": key,
            "value": text,
            "owner": owner.master_address,
            "nonce": nonce,
            "signature": message.sign(signer, put_text(key, text, address, nonce)),
            "signature_address": address,
            **changes,
        }

    def stored(self, key: str) -> str | None:
        """The value under a key, None if there is none."""
        answer = self.get("/get", key=key)
        return str(answer.data["value"]) if answer.status == 200 else None

    def query(self, owner: Person, query: str, **parameters: object) -> list[str]:
        """The documents of the first page."""
        answer = self.get("/query", owner=owner.master_address, query=query, **parameters)
        assert answer.status == 200, answer.data
        documents: list[str] = answer.data[query]
        return documents

    @staticmethod
    def read(response: Any) -> Answer:
        """An answer in the one shape that all have."""
        assert response.mimetype == "application/json", response.text
        data = response.get_json()
        ok = data["result"] == "success"
        # The old name and the new one never disagree.
        assert data["status"] == ("success" if ok else f"error: {data['error']}")
        assert ok or (data["error"] == data["message"] and data["code"])
        return Answer(response.status_code, data)


def armored(*documents: Signed[Any]) -> list[str]:
    """The texts of documents, as queries answer them."""
    return [document.armored for document in documents]

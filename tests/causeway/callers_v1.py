"""Clients of the versioned API, honest and not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient

from rein.btc.keys import PrivateKey
from rein.protocol.auth import NEXT_NONCE_HEADER, sign_request
from rein.protocol.signed import Signed
from tests.support.people import Person

HERE = "http://127.0.0.1:2016"
"""One of the names of the servers under test."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    data: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str | None:
        return self.data["error"]["code"] if isinstance(self.data, dict) and "error" in self.data else None

    @property
    def outcome(self) -> tuple[int, str | None]:
        """HTTP status and error code."""
        return self.status, self.code

    @property
    def codes(self) -> list[str | None]:
        """The error codes of the verdicts or values, None for those that went well."""
        (items,) = (self.data[name] for name in ("verdicts", "values") if name in self.data)
        return [each["error"]["code"] if "error" in each else None for each in items]


@dataclass
class Caller:
    """Talks to one server under /v1."""

    http: FlaskClient
    nonces: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, headers: Mapping[str, str] | None = None, /, **parameters: object) -> Answer:
        return self.read(self.http.get(f"/v1{path}", query_string=dict(parameters), headers=headers))

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.read(
            self.http.post(f"/v1{path}", data=data, content_type="application/json", headers=dict(headers or {}))
        )

    def nonce(self, owner: Person) -> str:
        answer = self.get("/nonce", owner=owner.master_address)
        assert answer.status == 200, answer.data
        return str(answer.data["nonce"])

    def headers(
        self,
        owner: Person,
        path: str,
        body: bytes,
        by: PrivateKey | None = None,
        nonce: str | None = None,
        **parts: str,
    ) -> dict[str, str]:
        """The headers that sign a request, with parts of the signed text changed."""
        signed = {
            "method": "POST",
            "server": HERE,
            "path_and_query": f"/v1{path}",
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "nonce": nonce or self.nonces.pop(owner.master_address, None) or self.nonce(owner),
            "owner": owner.master_address,
        }
        return sign_request(by or owner.master, owner.network, **{**signed, **parts})

    def signed(
        self, owner: Person, path: str, body: object, by: PrivateKey | None = None, nonce: str | None = None
    ) -> Answer:
        """A signed request; uses the nonce that the last answer brought."""
        data = json.dumps(body).encode()
        answer = self.post(path, data, self.headers(owner, path, data, by, nonce))
        self.nonces[owner.master_address] = answer.headers[NEXT_NONCE_HEADER]
        return answer

    def put(
        self, owner: Person, values: Mapping[str, str | Signed[Any]] | Sequence[object], by: PrivateKey | None = None
    ) -> Answer:
        items: Sequence[object] = (
            values
            if not isinstance(values, Mapping)
            else [
                {"key": key, "value": value if isinstance(value, str) else value.armored}
                for key, value in values.items()
            ]
        )
        return self.signed(owner, "/put", {"values": items}, by)

    def delete(self, owner: Person, *keys: str, by: PrivateKey | None = None) -> Answer:
        return self.signed(owner, "/delete", {"keys": keys}, by)

    @staticmethod
    def read(response: Any) -> Answer:
        if response.status_code == 304:
            assert response.data == b""
            return Answer(304, None, response.headers)
        assert response.mimetype == "application/json", response.text
        data = response.get_json()
        if response.status_code >= 400:
            assert set(data) == {"error"}
            assert {"code", "message"} <= set(data["error"]) <= {"code", "message", "hint"}
        return Answer(response.status_code, data, response.headers)

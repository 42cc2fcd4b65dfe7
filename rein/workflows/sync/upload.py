"""The second round of a sync: put what a server lacks into its buckets, and read it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rein.btc.keys import PrivateKey
from rein.errors import RefusedError, ReinError, ServerLiedError
from rein.protocol.signed import verify
from rein.protocol.values import DocumentId
from rein.remote.causeway import Causeway, batches
from rein.remote.fleet import Emit, run_on_all
from rein.remote.responses import Hosting
from rein.workflows.hosting.servers import remember
from rein.workflows.session import Session
from rein.workflows.sync.read_back import read_back
from rein.workflows.sync.replicas import Lacking, Replicas
from rein.workflows.sync.report import ServerReport


@dataclass(frozen=True)
class _Uploaded:
    """Documents that a server stored and gave back."""

    ids: Sequence[DocumentId]


def upload(
    session: Session, replicas: Replicas, servers: Mapping[str, ServerReport], lacking: Mapping[str, Lacking]
) -> None:
    """Give each server what it lacks. A failing server stops no other.

    :param lacking: by URL; those that lack nothing, or did not answer, are not among them.
    """
    if not lacking or not (any(each.mine for each in lacking.values()) or _can_sign(session)):
        return
    keys = {url: (replicas.keys(url, each.mine), replicas.keys(url, each.others)) for url, each in lacking.items()}
    texts = session.store.documents.texts({each for both in keys.values() for named in both for each in named})
    for text in texts.values():
        verify(text)
    signer, mine = session.keyring.delegate, set(replicas.mine)

    def work(server: Causeway, emit: Emit[object]) -> None:
        of_mine, of_others = keys[server.url]
        _put(server, of_mine, texts, signer, emit)
        try:
            _put(server, of_others, texts, signer, emit)
        except RefusedError as error:  # mine is there; what is not is tried again
            emit(error)
        emit(server.buckets())

    for report in run_on_all([each for each in session.servers if each.url in lacking], work):
        server, value = servers[report.url], report.value
        if isinstance(value, _Uploaded):
            server.uploaded += len(value.ids)
            server.checked += len(mine.intersection(value.ids))
            replicas.set_proved(report.url, value.ids, proved=True)
        elif isinstance(value, RefusedError):
            server.feed.notes.append(f"it does not take all that others wrote in your jobs: {value.message}")
        elif isinstance(value, Hosting):
            remember(session, report.url, value)
        if report.error is not None:
            server.error = report.error


def _can_sign(session: Session) -> bool:
    """Whether the keys can be opened, where nothing of mine depends on it: who only fetches need not open them."""
    try:
        _ = session.keyring
    except ReinError as error:
        session.note(f"What others wrote in your jobs was not put on your servers: {error.message}")
        return False
    return True


def _put(
    server: Causeway,
    keys: Mapping[DocumentId, str],
    texts: Mapping[DocumentId, str],
    signer: PrivateKey,
    emit: Emit[object],
) -> None:
    """Put documents and read them back, batch by batch; what a batch proved stays, whatever becomes of the next.

    :raises ReinError: the first reason why some are not there, after everything that can be stored is.
    """
    ids_of = {key: each for each, key in keys.items()}
    reason: ReinError | None = None
    for batch in batches([(key, texts[each]) for each, key in keys.items()]):
        verdicts = server.put(batch, signer)
        reason = reason or next((each for each in verdicts if each is not None), None)
        stored = [key for (key, _), verdict in zip(batch, verdicts, strict=True) if verdict is None]
        given = server.get(stored) if stored else []
        same = [ids_of[key] for key, value in zip(stored, given, strict=True) if value == texts[ids_of[key]]]
        hidden = read_back(server, same, texts).lost if same else frozenset()
        if len(same) < len(stored):
            reason = reason or ServerLiedError(
                f"{server.url} said that it stored a document, but does not give it back"
            )
        if hidden:
            reason = reason or ServerLiedError(f"{server.url} keeps {len(hidden)} of your documents, but hides them")
        emit(_Uploaded([each for each in same if each not in hidden]))
    if reason is not None:
        raise reason

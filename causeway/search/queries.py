"""Searches as statements on typed, indexed columns. No text is searched, so none can pass for something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, String, Table, bindparam, false, func, or_, select, true, union

from causeway.errors import BadParameterError
from causeway.search.index import folded
from causeway.search.models import document, enrollment
from causeway.search.pages import Candidates, Page
from rein.btc.address import is_identity_address
from rein.btc.base58 import decode_check
from rein.protocol.documents import Kind, Role

_PUBLIC_KEY = re.compile(r"0[23][0-9a-f]{64}|04[0-9a-f]{128}")


@dataclass(frozen=True)
class Party:
    """Somebody in a job: an identity's master address, or the public key (hex) used in that job."""

    text: str

    def __post_init__(self) -> None:
        if not self.is_key and not is_identity_address(self.text):
            raise BadParameterError(f"{self.text[:40]!r} is neither a public key in hex nor a P2PKH address")

    @property
    def is_key(self) -> bool:
        return _PUBLIC_KEY.fullmatch(self.text) is not None

    def is_the(self, role: Role, table: Any = document) -> ColumnElement[bool]:
        """That a document's columns name this person in that role."""
        column = f"{role.value}_key" if self.is_key else f"{role.value}_address"
        condition: ColumnElement[bool] = table.c[column] == self.text
        return condition


def of_kind(kind: Kind, page: Page) -> Candidates:
    """All documents of a kind."""
    return page.cut(_documents().where(document.c.kind == kind.value), document.c.seq)


def naming(person: Party, role: Role, page: Page, *, kind: Kind | None = None) -> Candidates:
    """Documents that name a person in a role themselves."""
    kinds = [kind.value] if kind else [each.value for each in Kind]
    branches = [
        page.cut(_documents().where(person.is_the(role), document.c.kind == each), document.c.seq) for each in kinds
    ]
    return branches[0] if len(branches) == 1 else union(*branches)


def in_jobs_of(creator: Party, kind: Kind, page: Page) -> Candidates:
    """Documents of a kind that name this creator, or belong to the order of a job document that does: a delivery, for
    one, names its worker only."""
    job = document.alias("job")
    through_job = (
        _documents()
        .join(job, job.c.id == document.c.order_id)
        .where(creator.is_the(Role.CREATOR, job), job.c.kind == Kind.JOB.value, document.c.kind == kind.value)
    )
    return union(naming(creator, Role.CREATOR, page, kind=kind), page.cut(through_job, document.c.seq))


def with_job_ids(job_ids: Sequence[str], page: Page, *, kind: Kind | None = None) -> Candidates:
    """Documents with one of these Job IDs."""

    def one(job_id: ColumnElement[str]) -> Select[Any]:
        found = _documents().where(document.c.job_id == job_id)
        return found.where(document.c.kind == kind.value) if kind else found

    return _for_each(job_ids, one, document, page)


def of_masters(masters: Sequence[str], page: Page) -> Candidates:
    """Every enrollment of these identities, current or not."""

    def one(master: ColumnElement[str]) -> Select[Any]:
        return _enrollments().where(enrollment.c.master == master)

    return _for_each(masters, one, enrollment, page)


def willing_mediators(page: Page) -> Candidates:
    """The current enrollments of those who would mediate."""
    willing = _enrollments().where(enrollment.c.is_current, enrollment.c.willing_to_mediate)
    return page.cut(willing, enrollment.c.seq)


def of_user(search_input: str, page: Page) -> Candidates:
    """Enrollments by SIN, master or delegate address, exactly; for any other text the current enrollments whose name
    or contact is that text, without regard to case. A name that looks like an address finds nothing."""
    if decode_check(search_input) is not None:
        identifiers = (enrollment.c.sin, enrollment.c.master, enrollment.c.delegate)
        found = [_enrollments().where(column == search_input) for column in identifiers]
    else:
        wanted = folded(search_input) or ""
        columns = (enrollment.c.name, enrollment.c.contact)
        found = [_enrollments().where(column == wanted, enrollment.c.is_current) for column in columns]
    return union(*(page.cut(each, enrollment.c.seq) for each in found))


def ratings(of: str | None, by: str | None, page: Page) -> Candidates:
    """Ratings of a person, by a person, or both; people are named by SIN or master address. A rating names
    who rates and who is rated, each in the column of the role they had."""
    branches = []
    for role in Role:
        named = document.c[f"{role.value}_address"]
        found = _documents().where(document.c.kind == Kind.RATING.value)
        if of is None:
            found = found.where(named.in_(_masters(by)), document.c.author == named)
        else:
            found = found.where(named.in_(_masters(of)), document.c.author != named)
            if by is not None:
                found = found.where(document.c.author.in_(_masters(by)))
        branches.append(page.cut(found, document.c.seq))
    return union(*branches)


def _masters(name: str | None) -> Select[Any]:
    """The identity of a SIN that is enrolled here, or of a master address."""
    found = select(enrollment.c.master).where(or_(enrollment.c.sin == name, enrollment.c.master == name))
    return found.distinct()


def nothing(page: Page) -> Candidates:
    """No document at all."""
    return page.cut(_documents().where(false()), document.c.seq)


def _documents() -> Select[Any]:
    return select(document.c.seq, document.c.size)


def _enrollments() -> Select[Any]:
    return select(enrollment.c.seq, document.c.size).join(document, document.c.seq == enrollment.c.seq)


def _for_each(values: Sequence[str], one: Any, table: Table, page: Page) -> Candidates:
    """The cut candidates of each value, through a lateral join: a value with a million documents costs one page."""
    wanted = func.unnest(bindparam("wanted", list(dict.fromkeys(values)), type_=ARRAY(String)))
    each = wanted.table_valued("wanted", name="wanted")
    found = page.cut(one(each.c.wanted), table.c.seq).lateral("found")
    return select(found.c.seq, found.c.size).select_from(each.join(found, true()))

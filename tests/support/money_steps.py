"""The steps that sign money, as tests take them one by one: planned, signed without storing, completed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rein.btc.amounts import Sat
from rein.errors import OrderError
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.tables.escrows import Payment
from rein.workflows.money import accept, accept_resolution, agree, bump, collect, dispute, refund, resolve, settle
from rein.workflows.money.accept import AcceptancePlan
from rein.workflows.money.accept_resolution import ResolutionAcceptancePlan
from rein.workflows.money.bump import BumpPlan
from rein.workflows.money.completion import PaymentsResult, Ready, sign_and_send
from rein.workflows.money.plan import Plan
from rein.workflows.session import Session


def plan_acceptance(session: Session, order: Order, feerate: int | None = None) -> AcceptancePlan:
    return accept.prepare(session, order, feerate)


def build_acceptance(session: Session, plan: AcceptancePlan) -> Signed[Any]:
    return accept.commit(session, plan, dry_run=True).signed


def plan_settlement(
    session: Session, order: Order, worker: Sat, creator: Sat | None = None, feerate: int | None = None
) -> Plan:
    return settle.prepare(session, order, worker, creator, terms="", feerate=feerate)


def build_settlement(session: Session, plan: Plan, terms: str) -> Signed[Any]:
    return settle.commit(session, replace(plan, text=terms), dry_run=True).signed


def plan_refund(session: Session, order: Order, feerate: int | None = None) -> Plan:
    return refund.prepare(session, order, reason="", feerate=feerate)


def build_refund(session: Session, plan: Plan, reason: str) -> Signed[Any]:
    return refund.commit(session, replace(plan, text=reason), dry_run=True).signed


def plan_dispute(session: Session, order: Order, role: Role, feerate: int | None = None) -> Plan:
    return dispute.prepare(session, order, detail="", role=role, feerate=feerate)


def build_dispute(session: Session, plan: Plan, detail: str) -> Signed[Any]:
    return dispute.commit(session, replace(plan, text=detail), dry_run=True).signed


def plan_resolution(
    session: Session, order: Order, worker: Sat, creator: Sat | None = None, feerate: int | None = None
) -> Plan:
    return resolve.prepare(session, order, worker, creator, resolution="", feerate=feerate)


def build_resolution(session: Session, plan: Plan, resolution: str) -> Signed[Any]:
    return resolve.commit(session, replace(plan, text=resolution), dry_run=True).signed


def prepare_resolution(session: Session, order: Order) -> list[Ready]:
    return list(accept_resolution.prepare(session, order).ready)


def build_accepted_resolution(session: Session, order: Order, ready: list[Ready]) -> Signed[Any]:
    return accept_resolution.sign(session, ResolutionAcceptancePlan(order, tuple(ready)))


def prepare_agreement(session: Session, order: Order, document_id: str) -> list[Ready]:
    return list(agree.prepare(session, order, document_id).ready)


def prepare_collection(session: Session, order: Order) -> list[Ready]:
    """What is owed and can be collected.

    :raises OrderError: it was collected already.
    """
    plan = collect.prepare(session, order)
    if isinstance(plan, PaymentsResult):
        assert plan.repeated
        raise OrderError(f"already collected, in {[each.txid for each in plan.sent]}")
    return list(plan.ready)


def send(session: Session, ready: list[Ready]) -> list[Payment]:
    return [sign_and_send(session, each) for each in ready]


def plan_bump(session: Session, order: Order, feerate: int) -> BumpPlan:
    return bump.prepare(session, order, feerate)


def send_bump(session: Session, plan: BumpPlan) -> str:
    txid = bump.commit(session, plan).txid
    assert txid is not None
    return txid

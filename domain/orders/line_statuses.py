"""Store what a status answer holds besides statuses: links for the next step, and results of payee verification."""

from collections.abc import Sequence

from connectors.bank import port
from domain.orders import sca_state
from models import BankOrder, Batch, BatchLine, require_client_lock
from models.states import LineState, OrderState


def keep_details(order: BankOrder, report: port.StatusReport) -> None:
    """Store links and payee verification results, in the caller's transaction."""
    require_client_lock(order.batch.client_id)
    if BankOrder.get_by_id(order.id).state == OrderState.CLOSED:
        return  # a person ended it meanwhile, and the payment may have another order
    merge_links(order, report.links)
    if report.transaction_status == "RVCM":
        _keep_names(Batch.get_by_id(order.batch_id), report.lines)


def merge_links(order: BankOrder, links: dict[str, str]) -> None:
    """Add these links to those stored: an order whose names are being verified gets its signing link later."""
    if not links:
        return
    document = sca_state.load_sca_document(order)
    if links.items() <= document["links"].items() or sca_state.is_cancellation(document):
        return
    sca_state.save_links(order, document, document["links"] | links)


def _keep_names(batch: Batch, said: Sequence[port.TransactionStatusReport]) -> None:
    for one in said:
        if one.vop_result is not None:
            BatchLine.update(vop_result=one.vop_result, vop_name=one.matched_name).where(
                BatchLine.batch == batch.id, BatchLine.end_to_end_id == one.end_to_end_id,
                BatchLine.state == LineState.SENT
            ).execute()

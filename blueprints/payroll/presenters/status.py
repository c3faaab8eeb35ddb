"""Texts about the result of a run, the status of a connection, and calls to Nmbrs."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payroll.presenters.held_lines import held_reason, held_title
from blueprints.payroll.presenters.permissions import ask_for_right, title_of
from blueprints.web.formatters import number
from domain.payroll.connections import ConnectionView
from domain.payroll.nmbrs_client import OPERATIONS
from domain.payroll.run_history import ExchangeView, HistoryRow
from domain.payroll.webhook_registration import WebhookView
from models.states import ConnectionStatus, NmbrsApi, RunState, WebhookStatus

_TITLES = {
    name: question for question, (soap, rest, _names) in OPERATIONS.items() for name in (soap, rest) if name != "-"
}


# --- reasons ---
def reason_text(reason: str) -> str:
    """Return why a run was refused or waits, or why a connection fails (codes of the payment file and of Nmbrs)."""
    code, _colon, call = reason.partition(":")
    if code == "not_allowed":
        what = title_of(_TITLES[call]) if call in _TITLES else call
        return _("Dit account mag in Nmbrs niet: %(what)s.", what=what[:1].lower() + what[1:])
    texts = _file_reasons() | _nmbrs_reasons() | _run_reasons()
    return texts.get(code, _("Nmbrs was niet bereikbaar."))


def _file_reasons() -> dict[str, str]:
    return {
        "empty": _("Het betaalbestand van Nmbrs is leeg."),
        "not_xml": _("Het betaalbestand van Nmbrs is onleesbaar."),
        "not_pain": _("Nmbrs stuurde een bestand dat geen betaalbestand is."),
        "wrong_sum": _("Het totaal in het betaalbestand klopt niet met de regels."),
        "wrong_count": _("Het aantal in het betaalbestand klopt niet met het aantal regels."),
        "bad_iban": _("Het rekeningnummer van de betaler in het betaalbestand klopt niet."),
        # of runs that were read before such lines were held one by one
        "other_currency": held_reason("other_currency"),
        "name_unusable": held_reason("name_unusable"),
        "outside_sepa": held_reason("outside_sepa"),
        "reference_unusable": held_reason("reference_unusable"),
        "doubled_id": _("Een kenmerk staat dubbel in het betaalbestand."),
        "no_lines": _("Het betaalbestand bevat geen betaling."),
        "bad_amount": _("Het betaalbestand bevat een ongeldig bedrag."),
        "too_large": _("Het betaalbestand is te groot."),
        "too_many_lines": _("Het betaalbestand heeft te veel regels."),
        "missing_field": _("Het betaalbestand is niet compleet."),
        "several_debtors": _("Het betaalbestand bevat meer dan één rekening om van te betalen."),
        "several_dates": _("Het betaalbestand bevat meer dan één betaaldatum."),
    }


def run_todo(code: str) -> str:
    """Return what to do about a run whose file was refused."""
    if code == "several_debtors":
        return _("Kies in Nmbrs één bankrekening voor deze run en haal de run opnieuw op.")
    if code == "several_dates":
        return _("Kies in Nmbrs één betaaldatum voor deze run en haal de run opnieuw op.")
    if code == "bad_iban":
        return _("Wijzig in Nmbrs het rekeningnummer van je bedrijf en haal de run opnieuw op.")
    return _("Draai de run opnieuw in Nmbrs. Blijft de fout? Neem dan contact met ons op.")


def _nmbrs_reasons() -> dict[str, str]:
    return {
        "bad_credentials": _("De combinatie van e-mailadres en token werkt niet meer in Nmbrs."),
        "out_of_sight": _("Het Nmbrs-account heeft geen toegang tot deze administratie."),
        "disabled": _("De toegang is uitgezet in Nmbrs."),
        "not_mapped": _("Deze administratie heeft nog geen bankrekening."),
        "unreadable": _("Het antwoord van Nmbrs is onleesbaar."),
        "quota_used_up": _("De limiet voor verzoeken aan Nmbrs is bereikt."),
        "2044": _("Nmbrs accepteert alleen een adres dat met https:// begint."),
    }


def _run_reasons() -> dict[str, str]:
    return {
        "nothing_more": _("Deze run is opnieuw gedraaid. Alles is al betaald."),
        "overpaid": _("Deze run is opnieuw gedraaid. Er is al meer betaald dan nu in de run staat."),
        "run_missing": _("Deze run staat niet meer in Nmbrs."),
        "vanished": _("Deze run staat niet meer in Nmbrs."),
    }


# --- run history ---
@dataclass(frozen=True)
class RunOutcome:
    """What became of a run; `sign` is its icon, `text` the advice."""

    tone: str
    sign: str
    title: str
    text: str


def run_outcome(row: HistoryRow) -> RunOutcome:
    """Return what became of a run."""
    reason = reason_text(row.reason) if row.reason else ""
    if row.reason and row.line:
        reason = _("Regel %(line)s: %(reason)s", line=row.line, reason=reason)
    tone, sign, title, text = _results(reason)[row.result]
    if row.result == RunState.IMPORTED and row.reason:
        tone, sign, title, text = _taken_with_a_reason(row, reason)
    if row.result == RunState.IMPORTED and row.held:
        tone, sign, text = "warn", "warn", " ".join(filter(None, (f"{held_title(row.held)}.", text)))
    if row.result == RunState.INVALID and row.reason:
        text = f"{text} {run_todo(row.reason)}"
    if row.missing and row.result != RunState.DELETED:
        tone, sign = "warn", "warn"
        text = " ".join(filter(None, (text, _("Staat niet meer in Nmbrs. De betaling kan nu niet doorgaan."))))
    return RunOutcome(tone, sign, title, text)


def _results(reason: str) -> dict[str, tuple[str, str, str, str]]:
    gone = _("Het deel dat nog niet betaald was, is vervangen. Er is niets betaald.")
    return {
        RunState.IMPORTED: ("good", "check", _("Klaargezet om te betalen"), ""),
        RunState.EMPTY: ("", "info", _("Geen betalingen in deze run"), ""),
        RunState.INVALID: ("bad", "cross", _("Niet klaargezet"), _("%(reason)s Er is niets betaald.", reason=reason)),
        RunState.RETRYING: ("warn", "clock", _("Wordt opnieuw geprobeerd"), reason),
        RunState.PENDING: ("", "clock", _("Wordt opgehaald"), ""),
        RunState.DELETED: ("warn", "warn", _("Staat niet meer in Nmbrs"), gone),
    }


def _taken_with_a_reason(row: HistoryRow, reason: str) -> tuple[str, str, str, str]:
    code = row.reason
    if code == "held" and row.batch_reference:
        return "warn", "warn", _("Niet alles kan worden betaald"), ""
    if code == "held":
        return "warn", "warn", _("Niet klaargezet"), _("Er is niets betaald.")
    if code == "nothing_more":
        return "good", "check", _("Niets meer te betalen"), reason
    if code == "overpaid":
        return "warn", "warn", _("Te veel betaald"), reason
    text = _("Ophalen is nog niet gelukt: %(reason)s We proberen het opnieuw.", reason=reason)
    return "warn", "clock", _("Klaargezet om te betalen"), text


def result_names() -> dict[str, str]:
    """Return the results to filter by."""
    return {
        "taken": _("Klaargezet"),
        "empty": _("Geen betalingen"),
        "refused": _("Niet klaargezet"),
        "retrying": _("Wordt opnieuw geprobeerd"),
        "found": _("Wordt opgehaald"),
        "vanished": _("Niet meer in Nmbrs"),
    }


# --- connection status ---
@dataclass(frozen=True)
class ConnectionHealth:
    """Whether a connection works. `todo` is the advice; `remedy` names the view that solves it, "" for none."""

    title: str
    problem: str = ""
    todo: str = ""
    remedy: str = ""


def connection_health(view: ConnectionView) -> ConnectionHealth:
    """Return whether a connection works, and what to do if it does not."""
    if view.status == ConnectionStatus.ACTIVE:
        return ConnectionHealth(_("Er is een actieve verbinding met Nmbrs"))
    reason = view.problem or ""
    always = (_("We blijven het proberen."), "")
    todo, remedy = _remedies(view.api == NmbrsApi.REST).get(reason.partition(":")[0], always)
    title = _("De verbinding met Nmbrs is verbroken")
    return ConnectionHealth(title, reason_text(reason), todo, remedy)


def _remedies(rest: bool) -> dict[str, tuple[str, str]]:
    """Return advice and action for each problem of a connection."""
    renewal = (_("Geef opnieuw toestemming bij Nmbrs."), "renew_oauth") if rest else (
        _("Maak in Nmbrs een nieuw token en vul het hier in."), "renew_token"
    )  # fmt: skip
    return {
        "bad_credentials": renewal,
        "not_allowed": (_("Bekijk welk recht je beheerder in Nmbrs moet aanvinken."), "permissions"),
        "disabled": (_("Neem contact op met Nmbrs. Controleer daarna de rechten opnieuw."), "permissions"),
        "quota_used_up": (_("Neem contact met ons op, of controleer later opnieuw."), "permissions"),
    }


@dataclass(frozen=True)
class WebhookText:
    """The webhook of one debtor; `sign` is its icon, `text` the advice."""

    tone: str
    sign: str
    state: str
    text: str


def webhook_status(view: WebhookView) -> WebhookText:
    """Return the status of the webhook of one debtor."""
    problem = view.problem or ""
    call = problem.partition(":")[2]
    own = _("Of stel de automatische melding zelf in met de stappen hieronder.")
    states: dict[str, tuple] = {
        WebhookStatus.OFF: ("", "clock", _("nog niet aangezet"), ""),
        WebhookStatus.INSTALLED: ("good", "check", _("geïnstalleerd"), ""),
        WebhookStatus.NOT_ALLOWED: ("warn", "warn", _("recht ontbreekt"), f"{ask_for_right(call)} {own}"),
        WebhookStatus.FAILED: ("warn", "warn", _("mislukt"), f"{reason_text(problem)} {own}"),
    }
    tone, sign, state, text = states[view.state]
    if view.checking and view.state == WebhookStatus.OFF:
        state = _("wordt aangezet")
    return WebhookText(tone, sign, state, text)


# --- calls to Nmbrs ---
@dataclass(frozen=True)
class ExchangeRow:
    """A call to Nmbrs: its subject and parameters (`asked`), its outcome, and what it returned (`answer`)."""

    title: str
    asked: str
    tone: str
    sign: str
    outcome: str
    answer: str


def exchange_row(exchange: ExchangeView) -> ExchangeRow:
    """Return a call to Nmbrs as a row."""
    asked = " · ".join(f"{name} {value}" for name, value in exchange.asked.items())
    good = exchange.outcome == "ok"
    question = _TITLES.get(exchange.call, "")
    return ExchangeRow(
        title=title_of(question) if question else exchange.call, asked=asked, tone="good" if good else "bad",
        sign="check" if good else "cross", outcome=_("gelukt") if good else reason_text(exchange.outcome),
        answer=_answer(question, exchange),
    )  # fmt: skip


def _answer(question: str, exchange: ExchangeView) -> str:
    answer = exchange.answer
    if answer.get("empty"):
        return _("leeg")
    if "bytes" in answer:
        return _("%(size)s bytes", size=number(answer["bytes"]))
    if "count" in answer:
        return _counted(question, answer["count"])
    return str(answer.get("text", ""))


def _counted(question: str, count: int) -> str:
    if question == "runs":
        return ngettext("%(num)s run", "%(num)s runs", count)
    if question in ("employees_in_run", "employees"):
        return ngettext("%(num)s medewerker", "%(num)s medewerkers", count)
    if question == "companies":
        return ngettext("%(num)s administratie", "%(num)s administraties", count)
    if question == "wage_taxes":
        return ngettext("%(num)s aangifte", "%(num)s aangiften", count)
    return ngettext("%(num)s antwoord", "%(num)s antwoorden", count)

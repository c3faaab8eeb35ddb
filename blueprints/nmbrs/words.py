"""What came of a run, in words."""

from flask_babel import gettext as _

from domain.nmbrs_link import HistoryRow


def reason_words(reason: str) -> str:
    """Why a run was refused or has to wait (codes of the payment file and of Nmbrs)."""
    code, _colon, call = reason.partition(":")
    words = {
        "empty": _("Het betaalbestand van Nmbrs is leeg."),
        "not_xml": _("Het betaalbestand van Nmbrs is niet te lezen."),
        "not_pain": _("Nmbrs gaf een bestand dat geen betaalbestand is."),
        "wrong_sum": _("Het totaal in het betaalbestand is niet de som van de regels."),
        "wrong_count": _("Het aantal in het betaalbestand is niet het aantal regels."),
        "bad_iban": _("Er staat een ongeldig rekeningnummer in het betaalbestand."),
        "other_currency": _("Er staat een bedrag in een andere munt dan de euro in het betaalbestand."),
        "doubled_id": _("Een kenmerk staat dubbel in het betaalbestand."),
        "no_lines": _("Er staat geen betaling in het betaalbestand."),
        "bad_amount": _("Er staat een ongeldig bedrag in het betaalbestand."),
        "too_large": _("Het betaalbestand is te groot."),
        "too_many_lines": _("Het betaalbestand heeft te veel regels."),
        "missing_field": _("In het betaalbestand ontbreekt iets."),
        "name_unusable": _("Een naam in het betaalbestand is niet bruikbaar voor de bank."),
        "bad_credentials": _("Nmbrs herkent het e-mailadres en token niet meer."),
        "not_allowed": _("Het Nmbrs-account mag %(call)s niet gebruiken.", call=call),
        "out_of_sight": _("Het Nmbrs-account ziet deze administratie niet."),
        "disabled": _("Nmbrs heeft de toegang uitgezet."),
        "not_mapped": _("Deze administratie heeft nog geen bankrekening."),
        "unreadable": _("Het antwoord van Nmbrs was niet te lezen."),
    }
    return words.get(code, _("Nmbrs was niet bereikbaar."))


def result_words(row: HistoryRow) -> dict[str, str]:
    """Tone, sign, title and what to do, for a row of the history."""
    reason = reason_words(row.reason) if row.reason else ""
    if row.reason and row.line:
        reason = _("Regel %(line)s: %(reason)s", line=row.line, reason=reason)
    words = {
        "taken": ("good", "check", _("Klaargezet om te betalen"), ""),
        "empty": ("", "info", _("Geen betalingen in deze run"), ""),
        "refused": ("bad", "cross", _("Niet klaargezet"), _("%(reason)s Er is niets betaald.", reason=reason)),
        "retrying": ("warn", "clock", _("Wordt opnieuw geprobeerd"), reason),
        "found": ("", "clock", _("Wordt opgehaald"), ""),
    }
    tone, sign, title, text = words[row.result]
    return {"tone": tone, "sign": sign, "title": title, "text": text}

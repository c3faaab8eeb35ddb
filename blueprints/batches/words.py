"""States in a person's words, what is unusual about a payment, and its three facts: approved, signed, executed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.batches.bank_words import BANK_REASONS, LINE_REASONS
from blueprints.context import day, day_and_month, euro, long_day, moment, number
from blueprints.texts import _l
from core.clock import today_amsterdam, utcnow
from core.iban import grouped
from domain.authorisations import Step
from domain.cautions import Caution
from domain.found_lines import REFUSED, REMARKED, SEARCHED_FROM, page_of
from domain.name_checks import Difference
from domain.payments import BatchRow, LineView, Payment
from domain.states import WAITING

STATES = {
    "open": (_l("Goedkeuring vereist"), "accent"),
    "approved": (_l("Goedgekeurd: nog niet bij de bank"), "warn"),
    "sending": (_l("Wordt verstuurd"), "warn"),
    "name_check": (_l("Namen worden gecontroleerd"), "warn"),
    "at_bank": (_l("Wacht op ondertekening bij de bank"), "accent"),
    "signed": (_l("Ondertekend"), "good"),
    "executed": (_l("Uitgevoerd"), "good"),
    "partly_executed": (_l("Deels uitgevoerd"), "warn"),
    "rejected": (_l("Geweigerd door de bank"), "bad"),
    "failed": (_l("Mislukt"), "bad"),
    "cancelled": (_l("Geannuleerd"), "bad"),
    "discarded": (_l("Niet betaald"), ""),
    "replaced": (_l("Vervangen"), ""),
}  # fmt: skip

# How a list is laid out: what asks for something, what goes on by itself, what is over.
TO_DO = tuple(sorted(WAITING))
UNDER_WAY = ("approved", "sending", "signed")
DONE = ("executed", "partly_executed")

LINES = {
    "refused": (_l("Niet betalen"), "bad"),
    "rejected": (_l("Geweigerd door de bank"), "bad"),
    "returned": (_l("Teruggestort"), "bad"),
    "executed": (_l("Betaald"), "good"),
    "void": (_l("Vervallen: deze run is opnieuw gedraaid"), ""),
}

# Why a payment is where it is; the codes of a bank stand in `bank_words`.
REASONS = {
    "changed": _l("Je hebt iets veranderd. Keur de betaling opnieuw goed."),
    "cut_off": _l("Het werd te laat voor de gekozen dag. Er is niets betaald: kies een dag en keur opnieuw goed."),
    "past": _l("De gekozen dag is voorbij. Er is niets betaald: kies een dag en keur opnieuw goed."),
    "not_a_bank_day": _l("De gekozen dag is geen bankdag. Er is niets betaald: kies een andere dag."),
    "too_far": _l("De gekozen dag is te ver weg. Er is niets betaald: kies een eerdere dag."),
    "proof_changed": _l("Je bank laat nu anders ondertekenen. Er is niets betaald: keur de betaling opnieuw goed."),
    "too_many_lines": _l(
        "Deze bank neemt niet zoveel betalingen in één opdracht aan. Er is niets betaald: kies een andere rekening."
    ),
    "no_tax_reference": _l(
        "Deze bank neemt geen betalingskenmerk aan. Er is niets betaald: kies een andere rekening."
    ),
    "bank_unreachable": _l("De bank is nu niet bereikbaar. Er is niets betaald; we proberen het vanzelf opnieuw."),
    "run_again": _l("De salarisrun is opnieuw gedraaid. Er is niets betaald van deze versie."),
    "run_emptied": _l("De salarisrun bevat geen betalingen meer. Er is niets betaald."),
    "run_refused": _l("De salarisrun is opnieuw gedraaid, met een fout in het bestand. Er is niets betaald."),
    "vanished": _l("De salarisrun staat niet meer in Nmbrs. Er is niets betaald."),
    "run_missing": _l(
        "De salarisrun stond niet meer in Nmbrs. Je goedkeuring geldt niet meer; er is niets betaald."
    ),
    "role_changed": _l("Wie dit goedkeurde, mag dat niet meer. Er is niets betaald: keur de betaling opnieuw goed."),
    "member_removed": _l("Wie dit goedkeurde, doet niet meer mee. Er is niets betaald: keur de betaling opnieuw goed."),
    "all_refused": _l("Je hebt alle regels weggestreept. Er wordt niets betaald."),
    "said_paid": _l("Er is gemeld dat de bank dit heeft uitgevoerd; de bank zelf heeft ons niets laten weten."),
    "said_refused": _l(
        "Er is gemeld dat de bank het bestand heeft geweigerd. Er is niets betaald; je kunt het opnieuw klaarzetten."
    ),
    "given_up": _l("Je hebt de betaling niet ondertekend. Er is niets betaald; je kunt het opnieuw klaarzetten."),
    "not_taken": _l(
        "De bank heeft deze betaling niet ontvangen. Er is niets betaald; je kunt het opnieuw klaarzetten."
    ),
}

# How the bank knows the name of a payee; of a close match it gives the holder's.
NAME_MATCHES = {
    "CMTC": _l("De naam bij de bank lijkt hierop, maar is anders."),
    "NMTC": _l("Volgens de bank hoort deze naam niet bij deze rekening."),
    "NOAP": _l("De bank kan deze naam niet controleren."),
}

ENDED = {
    "rejected": _l("De bank heeft de betaling geweigerd."),
    "failed": _l("Het ondertekenen is niet gelukt of afgebroken."),
    "cancelled": _l("De betaling is geannuleerd."),
}

NBSP = "\u00a0"
NO_ANSWER_AFTER = timedelta(minutes=1)


def state(row: Payment | BatchRow) -> tuple[str, str]:
    """Label and tone; a signed payment says when the bank executes it."""
    words, tone = STATES[row.state]
    if row.by_hand and row.state == "sending":
        return _("Bestand gedownload: nog niets gehoord van je bank"), tone
    if isinstance(row, Payment) and names_differ(row):
        return _("Controleer de namen"), "accent"
    if row.state == "signed" and row.execution_date:
        when = day_and_month(row.execution_date).replace(" ", NBSP)
        return _("Ondertekend: de bank voert uit op %(day)s", day=when), tone
    return str(words), tone


def names_differ(payment: Payment) -> bool:
    """The bank has checked the names, and a person has to look at them."""
    return payment.state == "name_check" and payment.order is not None and payment.order.raw_status == "RVCM"


def name_match(row: Difference) -> str:
    """What the bank says of the name, where it does not give the holder's."""
    return str(NAME_MATCHES[row.match])


def groups(rows: Sequence[BatchRow], approved: Collection[str] = ()) -> list[tuple[str, list[BatchRow]]]:
    """A list under its headings; headings without payments are left out.

    `approved` are the references of those that wait for a second approval, after that of who looks.
    """
    to_do = [row for row in rows if row.state in TO_DO and row.reference not in approved]
    other = [row for row in rows if row.reference in approved]
    under_way = [row for row in rows if row.state in UNDER_WAY]
    over = [row for row in rows if row.state not in TO_DO + UNDER_WAY]
    found = (
        (_("Wacht op jou"), to_do), (_("Wacht op een ander"), other), (_("Onderweg"), under_way), (_("Afgerond"), over),
    )  # fmt: skip
    return [(title, some) for title, some in found if some]


def unanswered(payment: Payment) -> bool:
    """It was sent a while ago, and the bank has not said whether it has it. A file that somebody took was not sent."""
    return not payment.by_hand and payment.state == "sending" and utcnow() - payment.state_at > NO_ANSWER_AFTER


def on_its_way(payment: Payment) -> bool:
    """It is being brought to the bank at this moment."""
    return not payment.by_hand and payment.state in ("approved", "sending") and not unanswered(payment)


def reason(payment: Payment) -> str:
    """Why, in plain words and whether money moved; empty when there is nothing to explain."""
    code = (payment.state_reason or "").removeprefix("bank:")
    if code in REASONS:
        return str(REASONS[code])
    if payment.state in ENDED:
        told = BANK_REASONS.get(code, ENDED[payment.state])
        return f"{told} {_('Er is niets betaald. Je kunt het opnieuw klaarzetten.')}"
    if payment.state == "partly_executed" and payment.reasons:
        return _("De bank heeft niet alles uitgevoerd, of er kwam iets terug. Bij elke regel staat hoe het zit.")
    if payment.state == "partly_executed":
        return _("De bank heeft niet alles uitgevoerd. Vraag je bank naar de regels die ontbreken.")
    if unanswered(payment):
        return _(
            "De bank heeft nog niet gezegd of de betaling is aangekomen. We zoeken het uit. "
            "Betaal de salarissen intussen niet op een andere manier, dan wordt niets dubbel betaald."
        )
    return ""


@dataclass(frozen=True)
class Warning:
    """Something unusual, said before the lines; `lines` are those that it is about, `others` how many more."""

    tone: str
    title: str
    text: str
    lines: Sequence[LineView] = ()
    others: int = 0


def warnings(payment: Payment, problem: str = "") -> list[Warning]:
    """What is unusual about a payment that can still be changed, the gravest first.

    Beside a problem that has just been said, the limit is not said once more.
    """
    if payment.state not in ("open", "approved"):
        return []
    first = (_day_gone,) if problem else (_day_gone, _over_limit)
    looks = (_run_missing, *first, _short_of_money, _other_debtor, _missing_people, _spelt)
    return [found for look in looks if (found := look(payment)) is not None]


def _run_missing(payment: Payment) -> Warning | None:
    if not payment.run_missing:
        return None
    text = _("We kijken het zo nog eens na. Tot dan kan deze betaling niet worden goedgekeurd; er is niets betaald.")
    return Warning("bad", _("Deze run staat niet meer in Nmbrs"), text)


def _missing_people(payment: Payment) -> Warning | None:
    count, names = payment.missing_count, payment.missing_names or ()
    if not count:
        return None
    title = ngettext(
        "%(num)s medewerker staat niet in het betaalbestand",
        "%(num)s medewerkers staan niet in het betaalbestand", count,
    )  # fmt: skip
    if not names or "?" in names:
        return Warning("warn", title, _("Ze zitten wel in de salarisrun. Kijk in Nmbrs of dat klopt."))
    told = _("%(names)s: wel in de salarisrun, geen betaling. Kijk in Nmbrs of dat klopt.", names=", ".join(names))
    return Warning("warn", title, told)


def overpaid(payment: Payment) -> list[str]:
    """What went out for this run and is no longer in it: nobody takes that back but people."""
    return [
        _("%(name)s (%(iban)s) kreeg %(sum)s meer dan de run nu zegt.", name=name, sum=euro(cents),
          iban=grouped(iban).replace(" ", NBSP))
        for name, iban, cents in payment.overpaid
    ]  # fmt: skip


def caution_title(caution: Caution) -> str:
    """The one line about something that has to be read first."""
    return {
        "difference": _("Deze run is al eerder betaald"),
        "period_twice": _("Voor deze periode is er nog een betaling"),
        "picked": _("Deze run is van vóór de koppeling"),
    }[caution.kind]


def caution_text(caution: Caution) -> str:
    """What it means, and what to look at."""
    if caution.kind == "picked":
        return _("Misschien is hij al op een andere manier betaald. Kijk dat na voordat je betaalt.")
    stands = str(STATES[caution.state][0]) if caution.state else ""
    sum_then, when = euro(caution.total_cents), day(caution.at) if caution.at else ""
    if caution.kind == "period_twice":
        return _(
            "Er is ook een betaling van %(sum)s (%(stands)s, %(when)s) voor dezelfde administratie en periode. "
            "Kijk na of beide kloppen, anders krijgen mensen dubbel betaald.",
            sum=sum_then, stands=stands, when=when,
        )  # fmt: skip
    return _(
        "De run is opnieuw gedraaid nadat een betaling van %(sum)s al was verstuurd (%(stands)s, %(when)s). "
        "Hier staat alleen wat er nog verschilt.",
        sum=sum_then, stands=stands, when=when,
    )  # fmt: skip


def paid_before(row: LineView) -> str:
    """What this account got for the run before, and what it should get in all."""
    if row.paid_cents is None:
        return ""
    whole = euro(row.paid_cents + row.amount_cents)
    return _("Al betaald: %(paid)s. Nu in totaal: %(whole)s.", paid=euro(row.paid_cents), whole=whole)


def _day_gone(payment: Payment) -> Warning | None:
    if payment.execution_date >= today_amsterdam():
        return None
    return Warning("warn", _("De gekozen dag is voorbij"), _("Kies een andere dag voordat je betaalt."))


def _over_limit(payment: Payment) -> Warning | None:
    limit = payment.account.limit_payment_cents
    if payment.total_cents <= limit:
        return None
    text = _(
        "De limiet van deze rekening is %(limit)s per betaling. Vraag een hogere limiet aan via %(mail)s.",
        limit=euro(limit), mail=current_app.config["SUPPORT_EMAIL"],
    )  # fmt: skip
    return Warning("warn", _("Boven je betaallimiet"), text)


def _short_of_money(payment: Payment) -> Warning | None:
    account = payment.account
    if account.balance_cents is None or account.balance_at is None or account.balance_cents >= payment.total_cents:
        return None
    text = _(
        "Op %(name)s stond %(balance)s (%(moment)s). Dat is minder dan deze betaling.",
        name=account.name, balance=euro(account.balance_cents), moment=moment(account.balance_at),
    )  # fmt: skip
    return Warning("warn", _("Misschien te weinig saldo"), text)


def _other_debtor(payment: Payment) -> Warning | None:
    if not payment.debtor_differs:
        return None
    text = _(
        "In Nmbrs staat een andere bankrekening dan %(iban)s, de rekening waarvan je nu betaalt.",
        iban=grouped(payment.account.iban).replace(" ", NBSP),
    )
    return Warning("warn", _("Andere rekening dan in Nmbrs"), text)


def _spelt(payment: Payment) -> Warning | None:
    count = payment.spelt_count
    if not count:
        return None
    title = ngettext("%(num)s regel leest de bank anders", "%(num)s regels leest de bank anders", count)
    text = _(
        "Banken kennen niet elk teken, of je nam de naam van de bank over. "
        "Bij de regel staat hoe de bank het leest."
    )
    return Warning("info", title, text, payment.spelt, count - len(payment.spelt))


def line(row: LineView, payment: Payment) -> tuple[str, str]:
    """What stands in the place of a line's description, and its tone; nothing where the payment says it for all."""
    if row.state == "sent" and payment.state == "partly_executed":
        return _("Nog niet bekend: vraag het je bank"), "warn"
    words, tone = LINES.get(row.state, ("", ""))
    if row.bank_reason in LINE_REASONS:
        return f"{words}: {LINE_REASONS[row.bank_reason]}", tone
    return ("", "") if row.state == payment.state else (str(words), tone)


def to_line(row: LineView, payment: Payment, here: str) -> str:
    """The address of a line of a payment that is open: on this page, or on its own."""
    if any(one.id == row.id for one in payment.lines):
        return f"#regel-{row.id}"
    return f"{here}?blad={page_of(row.position)}#regel-{row.id}"


def read_as(row: LineView) -> list[str]:
    """Name and description as the bank gets them, where they differ from what Nmbrs wrote."""
    pairs = ((row.name, row.name_sent), (row.description, row.description_sent))
    return [sent for shown, sent in pairs if shown != sent]


# --- which lines are shown ---
FILTERS = (("", _l("Alles")), (REFUSED, _l("Niet betalen")), (REMARKED, _l("Met opmerking")))


def searched(payment: Payment) -> bool:
    """There is something to search in; or somebody does."""
    return bool(payment.found and (payment.lines_all >= SEARCHED_FROM or payment.found.look.filters))


def shown_of(payment: Payment) -> str:
    """How many of all lines are shown, and that this says nothing about what is paid; empty where all are."""
    found = payment.found
    if not found or (found.pages == 1 and not found.look.filters):
        return ""
    whole = number(payment.lines_all)
    if not found.look.filters:
        told = _("Regel %(first)s tot en met %(last)s van %(all)s.",
                 first=number(found.first), last=number(found.last), all=whole)  # fmt: skip
    elif found.pages == 1:
        told = _("%(some)s van %(all)s regels getoond.", some=number(found.count), all=whole)
    else:
        told = _("%(some)s van %(all)s regels gevonden; je ziet %(first)s tot en met %(last)s.",
                 some=number(found.count), all=whole, first=number(found.first), last=number(found.last))  # fmt: skip
    return f"{told} {_pays_for(payment)}".strip()


def _pays_for(payment: Payment) -> str:
    if payment.state != "open" or not payment.lines_payable:
        return ""
    if payment.lines_payable == payment.lines_all:
        return _("Betaal geldt voor alle %(all)s.", all=number(payment.lines_all))
    return _("Betaal geldt voor alle %(some)s die niet zijn weggestreept.", some=number(payment.lines_payable))


def found_told(payment: Payment) -> str:
    """What is spoken after searching or turning a page."""
    count = payment.found.count if payment.found else 0
    told = ngettext("%(num)s regel gevonden.", "%(num)s regels gevonden.", count)
    return f"{told} {shown_of(payment)}".strip() if count else _("Geen regels gevonden.")


def nothing_found(payment: Payment) -> str:
    """In the place of the lines where there are none."""
    text = payment.found.look.text if payment.found else ""
    return _("Geen regels gevonden met “%(text)s”.", text=text) if text else _("Er zijn geen regels van deze soort.")


def judged(row: LineView, payment: Payment) -> str:
    """What became of a line, and of the total."""
    verdict = _("wordt betaald") if row.payable else _("wordt niet betaald")
    return _("%(name)s: %(verdict)s. Totaal %(sum)s.", name=row.name, verdict=verdict, sum=euro(payment.total_cents))


def all_back(payment: Payment, back: int) -> str:
    """What *Alles goedkeuren* did; nothing is paid by it."""
    if not back:
        return _("Alle regels worden betaald.")
    told = ngettext("%(num)s regel is teruggezet.", "%(num)s regels zijn teruggezet.", back)
    whole = ngettext(
        "De betaling is weer %(sum)s.", "Alle %(count)s regels doen weer mee: %(sum)s.", payment.lines_all,
        count=number(payment.lines_all), sum=euro(payment.total_cents),
    )  # fmt: skip
    return f"{told} {whole} {_('Er is nog niets betaald.')}"


def struck(payment: Payment) -> str:
    """What *Alles goedkeuren* takes back."""
    count = payment.lines_all - payment.lines_payable
    return ngettext("%(num)s weggestreepte regel weer betalen", "%(num)s weggestreepte regels weer betalen", count)


def soon(payment: Payment) -> str:
    """How far away the day of execution is; a day that nobody chose is the first that is possible."""
    if not payment.date_fixed:
        return _("zo snel mogelijk")
    ahead = (payment.execution_date - today_amsterdam()).days
    if ahead < 0:
        return _("voorbij")
    return {0: _("vandaag"), 1: _("morgen")}.get(ahead) or _("over %(days)s dagen", days=ahead)


def in_full(value: date) -> str:
    """dinsdag 24 november, with the year when it is not this one."""
    text = long_day(value)
    return text.removesuffix(f" {value.year}") if value.year == today_amsterdam().year else text


_REACHED = {
    "approved": 1, "sending": 1, "name_check": 1, "at_bank": 1, "signed": 2, "executed": 3, "partly_executed": 3,
}  # fmt: skip
# At which fact it ended. A bank may refuse before and after signing: what is sure is that it was not executed.
_ENDED_AT = {"failed": 1, "rejected": 2, "cancelled": 2}


def facts(payment: Payment) -> list[tuple[str, str, str]]:
    """The three facts as steps: label, how it stands (done, now, bad or still to come), when."""
    ended = _ENDED_AT.get(payment.state)
    reached = _REACHED.get(payment.state, 1 if ended is not None else 0)
    over = ended is not None or payment.state in ("discarded", "replaced")
    rows = []
    for at, (todo, done) in enumerate(_labels(payment)):
        how = "done" if at < reached else "now" if at == reached and not over else ""
        label, when = done if how == "done" else todo, _when(payment, at, reached)
        rows.append((label, "bad" if at == ended else how, when))
    return rows


def _labels(payment: Payment) -> list[tuple[str, str]]:
    executed = _("Deels uitgevoerd") if payment.state == "partly_executed" else _("Uitgevoerd")
    return [(_("Goedkeuren"), _("Goedgekeurd")), (_("Ondertekenen"), _("Ondertekend")), (_("Uitvoeren"), executed)]


def _when(payment: Payment, fact: int, reached: int) -> str:
    """When a fact came true; for the last one the day that is agreed with the bank."""
    if fact >= reached and not (fact == 2 and reached):
        return ""
    if fact == 0:
        return moment(payment.released_at) if payment.released_at else ""
    if fact == 1:
        return moment(payment.state_at) if payment.state == "signed" else ""
    return day(payment.execution_date) if payment.state not in _ENDED_AT else ""


def booked(payment: Payment) -> str:
    """How the bank books it on the statement."""
    return _("In één bedrag, zonder namen") if payment.batch_booking else _("Per regel, met namen")


def unchecked(payment: Payment) -> bool:
    """The company has chosen that names are not checked; a payment of one line always is."""
    return not payment.name_check and payment.lines_payable > 1


def booked_on(booked: date) -> str:
    """The bank's own booking, which the link leads to."""
    return _("Geboekt op %(day)s", day=day_and_month(booked).replace(" ", NBSP))


def file_note(payment: Payment) -> str:
    """What to mind about a file that was taken."""
    if payment.state != "sending":
        return _("Zo is het bestand naar de bank gebracht.")
    return _(
        "Lees het bestand maar één keer in bij je bank, anders kan er dubbel betaald worden. "
        "We weten nog niet of er betaald is: lees een bestand van je bank in, of zeg het hieronder."
    )


def chosen_elsewhere(chosen: date, weeks: Sequence[Sequence]) -> bool:
    """The chosen day stands in another month than the one that is shown."""
    return not any(one.date == chosen for week in weeks for one in week)


# --- signing at the bank ---
def sign_label(payment: Payment, step: Step) -> str:
    """The button that leads to signing."""
    bank = payment.account.bank_name
    if step.cancels:
        return _("Onderteken het annuleren")
    return {
        "method": _("Kies hoe je ondertekent"), "code": _("Onderteken met een code"),
    }.get(step.how) or _("Onderteken bij %(bank)s", bank=bank)  # fmt: skip


def sign_note(payment: Payment, step: Step) -> tuple[str, str]:
    """Title and text of where signing stands; empty where the button says it all."""
    bank = payment.account.bank_name
    if step.cancels:
        return _cancel_note(step, bank)
    told = {
        "soon": (
            _("De bank zet de betaling klaar"),
            _("%(bank)s is nog niet zover. Zodra je kunt ondertekenen, staat het hier: deze pagina volgt vanzelf. "
              "Er is nog niets betaald.", bank=bank),
        ),
        "app": (
            _("Open de app van je bank"),
            _("Keur de betaling goed in de app van %(bank)s. Deze pagina volgt vanzelf.", bank=bank),
        ),
        "method": (_("Nog ondertekenen"), _("%(bank)s laat je kiezen hoe je ondertekent.", bank=bank)),
        "code": (_("Nog ondertekenen"), _("%(bank)s wacht op je code.", bank=bank)),
        "second": (
            _("Eén handtekening staat"),
            _("We wachten op de tweede ondertekenaar bij de bank. Deze pagina volgt vanzelf."),
        ),
        "signed": (_("Je handtekening staat"), _("%(bank)s verwerkt haar. Deze pagina volgt vanzelf.", bank=bank)),
        "failed": (
            _("De bank heeft het ondertekenen gestopt"),
            _("We vragen de bank hoe het ervoor staat. Er is niets betaald."),
        ),
    }  # fmt: skip
    return told.get(step.how, ("", ""))


def _cancel_note(step: Step, bank: str) -> tuple[str, str]:
    """Where the signing of a cancellation stands."""
    told = {
        "app": (
            _("Open de app van je bank"),
            _("Keur het annuleren goed in de app van %(bank)s. Deze pagina volgt vanzelf.", bank=bank),
        ),
        "failed": (_("Het annuleren is niet ondertekend"), _("De betaling blijft staan.")),
    }  # fmt: skip
    return told.get(step.how, ("", ""))


def challenge(text: str) -> str:
    """In fours, as a reader asks for it; a text that is no number stays as it is."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4)) if text.isdecimal() else text


def code_hint(step: Step) -> str:
    """What the code looks like, when the bank says."""
    if step.digits_only and step.longest:
        return ngettext("Hoogstens %(num)s cijfer", "Hoogstens %(num)s cijfers", step.longest)
    return ""


def code_room(step: Step) -> str:
    """How much fits in the field: a person may type blanks between the digits."""
    return str(step.longest * 2) if step.longest else "64"

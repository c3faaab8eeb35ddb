"""Messages for all domain errors: what happened, whether money moved, what to do."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import euro, number
from domain.common import errors


def _password(reason: str) -> str:
    words = {
        "short": _("Kies een wachtwoord van minstens 8 tekens."),
        "long": _("Dit wachtwoord is te lang: hoogstens 256 tekens."),
        "common": _("Dit wachtwoord is te makkelijk te raden. Kies een ander, bijvoorbeeld een zin."),
    }
    return words.get(reason, _("Kies een sterker wachtwoord."))


def authority(reason: str) -> str:
    """Return why the register confirms authority or not (codes of domain.identity.signing_authority)."""
    words = {
        "owner": _("Je bent eigenaar van dit bedrijf."),
        "alone": _("Je mag dit bedrijf alleen vertegenwoordigen."),
        "full_mandate": _("Je hebt een volledige volmacht."),
        "company_ended": _("Dit bedrijf is volgens de KvK uitgeschreven of beëindigd."),
        "company_blocked": _("Er is een faillissement, surseance of schuldsanering van dit bedrijf bekend bij de KvK."),
        "not_in_register": _("Je staat bij de KvK niet bij dit bedrijf."),
        "minor": _("Wie jonger is dan achttien mag niet namens het bedrijf betalen."),
        "person_blocked": _("Je mag dit bedrijf volgens de KvK op dit moment niet vertegenwoordigen."),
        "not_authorised": _("Je bent volgens de KvK niet bevoegd om voor dit bedrijf te tekenen."),
        "through_company": _("Je vertegenwoordigt het bedrijf dat volgens de KvK dit bedrijf bestuurt."),
        "company_not_followed": _(
            "Dit bedrijf wordt volgens de KvK bestuurd door een ander bedrijf. Wij bekijken zelf of je mag tekenen."
        ),
        "holding_may_not": _(
            "Volgens de KvK kan het bedrijf dat dit bedrijf bestuurt, of jij daarin, niet voor dit bedrijf tekenen."
        ),
        "together": _("Je mag volgens de KvK alleen samen met iemand anders tekenen."),
        "limited": _("Je volmacht is volgens de KvK beperkt. Wij bekijken zelf of dit mag."),
        "name_differs": _("Je naam bij de KvK is niet precies de naam van je identificatie. Wij bekijken het zelf."),
        "not_asked": _("De KvK is nog niet gevraagd of je voor dit bedrijf mag tekenen."),
    }
    return words.get(reason, _("We hebben dit zelf beoordeeld."))


def account_needed(why: str, company: str) -> str:
    """Return why somebody's account cannot be removed now (`domain.team.account_removal`)."""
    words = {
        "last_owner": _("Je bent de enige eigenaar van %(name)s. Maak eerst iemand anders eigenaar.", name=company),
        "too_few": _("Bij %(name)s moeten twee mensen goedkeuren, en zonder jou is er te weinig. Nodig eerst iemand "
                     "uit, of zet dat uit.", name=company),
        "waits": _("Bij %(name)s loopt nog iets van jou: een betaling die je goedkeurde is nog niet klaar, of een "
                   "tweede persoon moet nog antwoorden.", name=company),
    }  # fmt: skip
    return words.get(why, _("Bij %(name)s ben je nog nodig.", name=company))


def client_busy(why: str) -> str:
    """Return why a client cannot be closed now (`domain.team.client_closing`)."""
    words = {
        "in_flight": _("Er is nog een betaling onderweg bij je bank. Wacht tot die klaar is."),
        "disputed": _("Van een betaling is niet zeker of ze is uitgevoerd. Dat moet eerst duidelijk zijn; mail ons."),
        "held": _("We houden je betalingen nu tegen. Sluiten kan daarna; mail ons."),
    }
    return words.get(why, _("Sluiten kan nu niet; mail ons."))


def _identification(reason: str) -> str:
    if reason == "another_person":
        return _("Deze identificatie is van iemand anders dan de vorige keer. Identificeer je als dezelfde persoon.")
    return _(
        "De identificatie is niet geaccepteerd: het antwoord klopte niet met wat we vroegen. Er is niets gedeeld of "
        "gekoppeld. Probeer het opnieuw, in deze browser en als jezelf."
    )


def _invitation(reason: str) -> str:
    words = {
        "not_needed": _("Er hoeft nu niemand te worden uitgenodigd."),
        "yourself": _("Dit is je eigen e-mailadres. Nodig iemand uit die samen met jou mag tekenen."),
        "member": _("Deze persoon doet al mee. Vraag of hij zich identificeert."),
        "other_address": _("Deze uitnodiging is voor een ander e-mailadres. Log in met het adres dat de mail kreeg."),
        "account": _("Dit e-mailadres heeft al een account. Log in en open de link opnieuw."),
        "role": _("Kies een rol uit de lijst."),
        "too_many": _("Er wachten al twintig uitnodigingen. Trek er eerst een in."),
        "unconfirmed": _("Bevestig eerst je e-mailadres. Open daarna deze link opnieuw."),
    }
    return words[reason]


def _limit(error: errors.LimitExceeded) -> str:
    which = {
        "payment": _("De betaallimiet van deze rekening is %(limit)s per betaling.", limit=euro(error.limit_cents)),
        "day": _("De betaallimiet van deze rekening is %(limit)s per dag.", limit=euro(error.limit_cents)),
    }
    return _(
        "De betaallimiet wordt overschreden. %(which)s Er is niets betaald. Vraag een hogere limiet aan via %(mail)s.",
        which=which[error.kind],
        mail=current_app.config["SUPPORT_EMAIL"],
    )


def _code_wrong(error: errors.InvalidScaCode) -> str:
    ours = _("De bank neemt dit niet aan. Er is niets betaald. Kijk het na en probeer het opnieuw.")
    return f"{ours} {_('Je bank zegt: %(text)s', text=error.text)}" if error.text else ours


def date_reason(reason: str) -> str:
    """Return why a date is unavailable (reasons of DateInvalid and of the calendar)."""
    words = {
        "past": _("Deze dag is al voorbij. Kies een latere dag."),
        "not_a_bank_day": _("Op deze dag voeren de banken niets uit. Kies een bankdag."),
        "cut_off": _("Voor deze dag is het te laat bij je bank. Kies een latere dag."),
        "too_far": _("Zo ver vooruit neemt de bank nog niets aan. Kies een eerdere dag."),
    }
    return words.get(reason, _("Kies een andere dag."))


def _bank_file(reason: str) -> str:
    words = {
        "unreadable": _("Dit is geen statusbericht of afschrift dat we kunnen lezen. Er is niets veranderd."),
        "other_order": _("Dit bestand gaat over een andere betaling. Er is niets veranderd."),
        "other_account": _("Dit afschrift is van een andere rekening. Er is niets veranderd."),
        "hint": _(
            "Je bank is gekoppeld: daarom geldt alleen wat zij ons zelf zegt. We hebben haar naar deze betaling "
            "gevraagd, en er is niets veranderd."
        ),
        "one_member": _(
            "Je bank is nu niet te bereiken, en er is niemand naast jou die dit bestand kan bevestigen. Neem contact "
            "met ons op: dan zoeken we het samen met je bank uit. Er is niets veranderd."
        ),
    }
    return words.get(reason, _("In dit bestand staat niets nieuws over deze betaling. Er is niets veranderd."))


def wish_changed(reason: str) -> str:
    """Return which wish of the company changed since a payment was shown or approved."""
    words = {
        "name_check_off": _("De naamcontrole is intussen uitgezet: kijk opnieuw. Er is niets betaald."),
        "name_check_on": _("De naamcontrole is intussen aangezet: kijk opnieuw. Er is niets betaald."),
    }
    return words.get(
        reason,
        _("Hoe de betaling op je afschrift komt, is intussen veranderd: kijk opnieuw. Er is niets betaald."),
    )


def _unfit(error: errors.UnsupportedByBank) -> str:
    if error.reason == "no_reference":
        return _(
            "Deze bank neemt een betalingskenmerk van een regel niet aan. Er is niets betaald. Kies een andere "
            "rekening, of betaal die regel zelf bij je bank."
        )
    if error.reason == "no_tax_reference":
        return _(
            "Deze bank neemt geen betalingskenmerk aan, en zonder kenmerk komt loonheffing niet goed aan. "
            "Er is niets betaald. Kies een andere rekening."
        )
    return _(
        "Deze bank neemt hoogstens %(most)s betalingen in één opdracht aan; deze heeft er meer. Er is niets betaald. "
        "Kies een rekening bij een andere bank, of maak in Nmbrs kleinere betalingen.",
        most=number(error.most),
    )  # fmt: skip


WORDS: dict[type[Exception], Callable[[Any], str]] = {
    errors.NotFound: lambda e: _("Dit is er niet, of je hebt er geen toegang toe."),
    # accounts
    errors.SignInRefused: lambda e: _("E-mailadres en wachtwoord horen niet bij elkaar. Probeer het opnieuw."),
    errors.EmailNotConfirmed: lambda e: _(
        "Bevestig eerst je e-mailadres. We hebben je zojuist een nieuwe mail met een knop gestuurd."
    ),
    errors.LinkExpired: lambda e: _("Deze link is al gebruikt of te oud. Vraag een nieuwe aan."),
    errors.WeakPassword: lambda e: _password(e.reason),
    errors.RateLimited: lambda e: ngettext(
        "Dit is te vaak kort na elkaar geprobeerd. Wacht %(num)s seconde en probeer het dan opnieuw.",
        "Dit is te vaak kort na elkaar geprobeerd. Wacht %(num)s seconden en probeer het dan opnieuw.",
        e.seconds,
    ),
    errors.DeviceUnconfirmed: lambda e: _("Bevestig eerst dat dit apparaat van jou is. Er is niets betaald."),
    errors.ReidentificationRequired: lambda e: _(
        "Je hebt een nieuw wachtwoord gekozen. Identificeer je eerst opnieuw met iDIN; daarna kun je weer betalen. "
        "Er is niets betaald."
    ),
    errors.PasskeyRefused: lambda e: _("Deze passkey is niet geaccepteerd. Probeer het opnieuw of kies een andere."),
    errors.PasskeyKnown: lambda e: _("Deze passkey is al bekend."),
    errors.PinIsBirthDate: lambda e: _("Deze pincode is je geboortedatum. Kies een andere."),
    errors.PinNotSixDigits: lambda e: _("Een pincode is precies zes cijfers."),
    errors.PinTooCommon: lambda e: _("Deze pincode is te makkelijk te raden. Kies een andere, geen rij of herhaling."),
    errors.PinWrong: lambda e: ngettext(
        "Deze pincode klopt niet. Je kunt het nog %(num)s keer proberen; daarna gaat je pincode op slot.",
        "Deze pincode klopt niet. Je kunt het nog %(num)s keer proberen.",
        e.tries_left,
    ),
    errors.PinLocked: lambda e: _(
        "Je pincode staat op slot na vijf verkeerde pogingen. Er is niets betaald. "
        "Gebruik een passkey, of identificeer je opnieuw."
    ),
    errors.PinMissing: lambda e: _("Je hebt nog geen pincode. Kies er eerst een."),
    errors.PinAlreadySet: lambda e: _("Je hebt al een pincode. Identificeer je opnieuw om een nieuwe te kiezen."),
    # identification
    errors.IdentificationCancelled: lambda e: _("Je hebt de identificatie geannuleerd. Er is niets gedeeld."),
    errors.IdentificationExpired: lambda e: _(
        "Deze identificatie is verlopen of al gebruikt. Er is niets gedeeld. Begin hieronder opnieuw."
    ),
    errors.IdentificationRefused: lambda e: _identification(e.reason),
    errors.IdentityProviderDown: lambda e: _(
        "%(method)s is nu niet bereikbaar. Probeer het over een paar minuten opnieuw.",
        method=current_app.config["IDENTITY_METHOD"],
    ),
    errors.SessionMismatch: lambda e: _(
        "De identificatie kwam terug in een andere browser dan waarin je begon. Begin opnieuw, in één browser."
    ),
    errors.IdentityCodeWrong: lambda e: (
        ngettext(
            "Deze code klopt niet. Je kunt het nog %(num)s keer proberen; daarna begin je opnieuw.",
            "Deze code klopt niet. Je kunt het nog %(num)s keer proberen.",
            e.tries_left,
        )
        if e.tries_left
        else _("Deze code klopt niet. Begin opnieuw met identificeren.")
    ),
    errors.NotIdentified: lambda e: _(
        "Identificeer je eerst met %(method)s.", method=current_app.config["IDENTITY_METHOD"]
    ),
    errors.InvitationRefused: lambda e: _invitation(e.reason),
    errors.AuthorityPending: lambda e: authority(e.reason),
    errors.AuthorityRefused: lambda e: authority(e.reason),
    errors.RegisterUnavailable: lambda e: _(
        "De KvK is nu niet bereikbaar, dus we weten niet zeker of je nog mag tekenen. Er is niets betaald; je "
        "identificatie is bewaard. Probeer het zo opnieuw."
    ),
    # team
    errors.ClientBusy: lambda e: client_busy(e.why),
    errors.AccountNeeded: lambda e: account_needed(e.why, e.company),
    errors.LastOwner: lambda e: _("Dit is de enige eigenaar. Maak eerst iemand anders eigenaar."),
    errors.TooFewApprovers: lambda e: _(
        "Twee mensen moeten kunnen goedkeuren, en dat zijn er zo te weinig. Nodig eerst iemand uit die mag betalen."
    ),
    errors.LastEditorCannotApprove: lambda e: _(
        "Je hebt deze betaling zelf als laatste gewijzigd. Laat anderen hem goedkeuren. Er is niets betaald."
    ),
    errors.SamePerson: lambda e: _(
        "Dit vraagt om iemand anders: volgens de identificatie zijn deze twee accounts van één persoon."
    ),
    errors.NoPendingRequest: lambda e: _("Dit is al geregeld, of opnieuw gevraagd. Kijk hieronder hoe het staat."),
    errors.UnknownCompany: lambda e: _("De KvK kent dit KvK-nummer niet. Mail ons, dan herstellen we het samen."),
    # banks
    errors.BankUnavailable: lambda e: _(
        "De bank is nu niet bereikbaar. Er is niets betaald. Probeer het straks opnieuw."
    ),
    errors.ConsentRefused: lambda e: _(
        "De bank heeft geen toegang gegeven. Er is niets gekoppeld. Probeer het opnieuw."
    ),
    errors.ConsentPending: lambda e: _("De bank is nog niet klaar met je toestemming. Wacht even en kijk dan opnieuw."),
    errors.ConsentEnded: lambda e: _(
        "Je bank geeft ons geen toegang meer tot deze rekening. Er is niets betaald. Verleng de toestemming bij Saldo."
    ),
    errors.ConsentQuotaExceeded: lambda e: _("Je bank geeft vandaag niets nieuws meer. Morgen kijken we opnieuw."),
    errors.UnknownBank: lambda e: _("Deze bank kennen we niet (meer). Kies een bank uit de lijst."),
    errors.BankFileRefused: lambda e: _bank_file(e.reason),
    # Nmbrs
    errors.NmbrsBadCredentials: lambda e: _(
        "Nmbrs herkent dit e-mailadres en token niet samen. Controleer de gegevens nauwkeurig en probeer het opnieuw."
    ),
    errors.NmbrsNotAllowed: lambda e: _(
        "Dit Nmbrs-account mag %(call)s niet gebruiken. Geef het account dat recht in Nmbrs en probeer het opnieuw.",
        call=e.call,
    ),
    errors.NmbrsNoCompanyVisible: lambda e: _(
        "Dit Nmbrs-account ziet geen bedrijf. Geef het account in Nmbrs toegang tot je bedrijf."
    ),
    errors.NmbrsDisabled: lambda e: _("Nmbrs heeft de toegang tot deze omgeving uitgezet. Neem contact op met Nmbrs."),
    errors.NmbrsUnavailable: lambda e: _(
        "Nmbrs is nu niet bereikbaar. Er is niets opgeslagen. Probeer het straks opnieuw."
    ),
    errors.NmbrsRateLimited: lambda e: _(
        "Nmbrs vraagt ons even te wachten. Er is niets opgeslagen. Probeer het straks opnieuw."
    ),
    errors.DifferentKvkNumber: lambda e: _(
        "Deze administratie heeft een ander KvK-nummer dan je bedrijf. Bevestig eerst dat je haar wilt betalen."
    ),
    errors.OAuthStateExpired: lambda e: _(
        "De toestemming bij Nmbrs duurde te lang, of is al gebruikt. Er is niets veranderd. Begin opnieuw."
    ),
    errors.WrongInterface: lambda e: _(
        "Dit past niet bij de soort koppeling die je nu met Nmbrs hebt. Er is niets veranderd."
    ),
    errors.RestIdsMissing: lambda e: _(
        "Nmbrs kent je administraties nog niet in de nieuwe koppeling. Er is niets veranderd: alles werkt zoals het "
        "deed. Geef toestemming als iemand die ze allemaal ziet, of vraag het Nmbrs."
    ),
    errors.AlreadyConnected: lambda e: _("Dit Nmbrs-account is al gekoppeld."),
    # payments
    errors.BatchChanged: lambda e: _(
        "De betaling is intussen veranderd. Er is niets betaald. Bekijk hem opnieuw en keur hem dan goed."
    ),
    errors.WishesChanged: lambda e: wish_changed(e.reason),
    errors.NotOpen: lambda e: _(
        "Dit kan nu niet meer: de betaling is al verder. Hieronder zie je hoe het ervoor staat."
    ),
    errors.UnacknowledgedWarnings: lambda e: _(
        "Lees eerst wat er bijzonder is aan deze betaling. Er is niets betaald."
    ),
    errors.DetailsRemoved: lambda e: _(
        "Van deze betaling zijn de gegevens verwijderd. Er kan niets meer van betaald worden."
    ),
    errors.RunMissing: lambda e: _("Deze run staat niet meer in Nmbrs. Er is niets betaald."),
    errors.MoreThanOwed: lambda e: _(
        "Deze betaling klopt niet meer met de nieuwste versie van de salarisrun: een deel is al betaald of hoeft niet "
        "meer. Er is niets betaald. We zetten klaar wat nog wel betaald moet worden."
    ),
    errors.PaymentsHeld: lambda e: _(
        "Betalingen staan even stil. Er is niets verstuurd en er gaat niets verloren. Probeer het later opnieuw."
    ),
    errors.NotCounting: lambda e: _(
        "Dit bedrag is niet betaald, en de bank betaalt het ook niet meer. Zet het bij Niet betaald opnieuw klaar."
    ),
    errors.NotSignedYet: lambda e: _(
        "Deze betaling is nog niet ondertekend, dus er is nog niets van betaald. Onderteken haar eerst."
    ),
    errors.ExcessUnderWay: lambda e: _(
        "Voor deze regel is al om extra betalen gevraagd. Wacht daarop, of trek dat eerst in."
    ),
    errors.ExcessOutdated: lambda e: _(
        "De salarisrun is intussen veranderd, of staat nu niet in Nmbrs. Er is niets betaald. Kijk hem na en vraag het "
        "opnieuw."
    ),
    errors.NothingToPay: lambda e: _("Er is geen regel om te betalen. Keur minstens één regel goed."),
    errors.LimitExceeded: _limit,
    errors.UnsupportedByBank: _unfit,
    errors.DateInvalid: lambda e: date_reason(e.reason),
    errors.AccountInvalid: lambda e: _("Kies een rekening die is gekoppeld en bevestigd."),
    errors.AccountExists: lambda e: _("Deze bankrekening staat er al."),
    errors.InvalidSubscription: lambda e: _(
        "Meldingen aanzetten is niet gelukt in deze browser. Je krijgt wel altijd een mail."
    ),
    errors.IbanInvalid: lambda e: _("Dit is geen geldig rekeningnummer (IBAN). Kijk de cijfers na."),
    errors.HolderNameMissing: lambda e: _("Vul in op wiens naam de rekening staat."),
    errors.WrongAuthenticationMethod: lambda e: _(
        "Deze bank vraagt om een andere manier van ondertekenen. Er is niets betaald."
    ),
    errors.InsufficientRole: lambda e: _(
        "Dit mag je rol niet. Vraag het de eigenaar van het account. Er is niets betaald."
    ),
    # SCA
    errors.InvalidScaCode: _code_wrong,
    errors.ScaInProgress: lambda e: _("We zijn al met je bank in gesprek, misschien in een ander venster. Wacht even."),
    errors.CancellationRefused: lambda e: _(
        "De bank kan deze betaling niet meer intrekken. Ze blijft staan; hieronder zie je hoe het ervoor staat."
    ),
    errors.CancellationOutcomeUnknown: lambda e: _(
        "De bank gaf geen antwoord. We weten nog niet of de betaling is ingetrokken en vragen het de bank. "
        "Deze pagina volgt vanzelf."
    ),
    errors.SigningFailed: lambda e: _("De bank heeft het ondertekenen gestopt. Er is niets betaald."),
    errors.SigningRefused: lambda e: _(
        "De bank laat je nu niet ondertekenen. Er is niets betaald. Probeer het straks opnieuw."
    ),
    errors.ScaOutcomeUnknown: lambda e: _(
        "De bank gaf geen antwoord. We weten nog niet of je handtekening is aangekomen en vragen het de bank. "
        "Deze pagina volgt vanzelf."
    ),
}


def message_for(error: Exception) -> str:
    """Return the message for a domain error, or a general one."""
    for kind in type(error).__mro__:
        if kind in WORDS:
            return WORDS[kind](error)
    return _("Er ging iets mis. Er is niets betaald. Probeer het opnieuw.")

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
        "long": _("Dit wachtwoord is te lang: maximaal 256 tekens."),
        "common": _("Dit wachtwoord is te makkelijk te raden. Kies een ander, bijvoorbeeld een zin."),
    }
    return words.get(reason, _("Kies een sterker wachtwoord."))


def _name(reason: str) -> str:
    words = {
        "other_surname": _(
            "Gebruik de achternaam waarmee je je hebt geïdentificeerd. Is die veranderd? Mail ons."
        ),
        "unreadable": _("Je naam kan nu niet worden gewijzigd. Mail ons."),
        "colleague": _("Iemand anders in je team heet al zo. Voeg iets toe waaraan collega’s je herkennen."),
    }
    return words[reason]


def authority(reason: str) -> str:
    """Return why the register confirms authority or not (codes of domain.identity.signing_authority)."""
    words = {
        "owner": _("Je bent eigenaar van dit bedrijf."),
        "alone": _("Je mag dit bedrijf zelfstandig vertegenwoordigen."),
        "full_mandate": _("Je hebt een volledige volmacht."),
        "company_ended": _("Dit bedrijf is volgens de KvK uitgeschreven of beëindigd."),
        "company_blocked": _("Bij de KvK staat een faillissement, surseance of schuldsanering van dit bedrijf."),
        "not_in_register": _("Je staat bij de KvK niet bij dit bedrijf ingeschreven."),
        "minor": _("Je moet minstens achttien zijn om namens het bedrijf te betalen."),
        "person_blocked": _("Je mag dit bedrijf volgens de KvK op dit moment niet vertegenwoordigen."),
        "not_authorised": _("Je bent volgens de KvK niet bevoegd om voor dit bedrijf te tekenen."),
        "through_company": _("Je vertegenwoordigt het bedrijf dat volgens de KvK dit bedrijf bestuurt."),
        "company_not_followed": _(
            "Dit bedrijf wordt volgens de KvK bestuurd door een ander bedrijf. We controleren of je mag tekenen."
        ),
        "holding_may_not": _(
            "Dit bedrijf wordt bestuurd door een ander bedrijf. Volgens de KvK mag dat bedrijf niet tekenen, of mag "
            "jij niet namens dat bedrijf tekenen."
        ),
        "together": _("Je mag volgens de KvK alleen samen met iemand anders tekenen."),
        "limited": _("Je volmacht is volgens de KvK beperkt. We controleren of dit mag."),
        "name_differs": _("Je naam bij de KvK is anders dan in je identificatie. We controleren dit."),
        "identification_withdrawn": _("Je hebt je identificatie verwijderd. Identificeer je opnieuw."),
        "not_asked": _("Bij de KvK is nog niet gecontroleerd of je voor dit bedrijf mag tekenen."),
    }
    return words.get(reason, _("Beoordeeld door Bizcuit."))


def account_needed(why: str, company: str) -> str:
    """Return why somebody's account cannot be removed now (`domain.team.account_removal`)."""
    words = {
        "last_owner": _("Je bent de enige eigenaar van %(name)s. Maak eerst iemand anders eigenaar.", name=company),
        "too_few": _(
            "Bij %(name)s is dubbele goedkeuring nodig. Zonder jou zijn er te weinig mensen die mogen goedkeuren. "
            "Nodig eerst iemand uit of zet dubbele goedkeuring uit.", name=company),
        "waits": _(
            "Bij %(name)s staat nog iets van jou open: een betaling die je goedkeurde is nog niet klaar of er is nog "
            "een tweede persoon nodig.", name=company),
    }  # fmt: skip
    return words.get(why, _("Je bent nog nodig bij %(name)s.", name=company))


def client_busy(why: str) -> str:
    """Return why a client cannot be closed now (`domain.team.client_closing`)."""
    words = {
        "in_flight": _("Er is nog een betaling onderweg bij je bank. Wacht tot die is afgerond."),
        "disputed": _(
            "Sluiten is nu niet mogelijk. Van een betaling is nog niet bekend of die is uitgevoerd. Mail ons."
        ),
        "held": _("Sluiten is nu niet mogelijk, omdat je betalingen zijn gepauzeerd. Mail ons."),
    }
    return words.get(why, _("Sluiten is nu niet mogelijk. Mail ons."))


def _identification(reason: str) -> str:
    if reason == "another_person":
        return _("Deze identificatie is van iemand anders dan de vorige keer. Identificeer je als dezelfde persoon.")
    return _(
        "Identificatie mislukt: het antwoord hoort niet bij deze aanvraag. Er is niets gedeeld of gekoppeld. Probeer "
        "het opnieuw in deze browser en met je eigen gegevens."
    )


def _invitation(reason: str) -> str:
    words = {
        "not_needed": _("Uitnodigen is nu niet nodig."),
        "yourself": _("Dit is je eigen e-mailadres. Nodig iemand uit die samen met jou mag tekenen."),
        "member": _("Deze persoon heeft al toegang. Vraag deze persoon om zich te identificeren."),
        "other_address": _(
            "Deze uitnodiging is voor een ander e-mailadres. Log in met het adres waarop je de mail kreeg."
        ),
        "account": _("Dit e-mailadres heeft al een account. Log in en open de link opnieuw."),
        "role": _("Kies een rol uit de lijst."),
        "too_many": _("Er staan al twintig uitnodigingen open. Trek er eerst een in."),
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
    ours = _("De bank accepteert dit niet. Er is niets betaald. Controleer de gegevens en probeer het opnieuw.")
    return f"{ours} {_('Je bank zegt: %(text)s', text=error.text)}" if error.text else ours


def date_reason(reason: str) -> str:
    """Return why a date is unavailable (reasons of DateInvalid and of the calendar)."""
    words = {
        "past": _("Deze dag is voorbij. Kies een latere dag."),
        "not_a_bank_day": _("Dit is geen bankdag. Kies een bankdag."),
        "cut_off": _("Voor deze dag is het te laat bij je bank. Kies een latere dag."),
        "too_far": _("De bank accepteert geen betalingen zo ver vooruit. Kies een eerdere dag."),
    }
    return words.get(reason, _("Kies een andere dag."))


def _bank_file(reason: str) -> str:
    words = {
        "unreadable": _("Dit bestand is geen statusbericht of afschrift. Er is niets veranderd."),
        "other_order": _("Dit bestand gaat over een andere betaling. Er is niets veranderd."),
        "other_account": _("Dit afschrift is van een andere rekening. Er is niets veranderd."),
        "hint": _(
            "Je bank is gekoppeld, dus de status komt rechtstreeks van de bank. We hebben die opgevraagd. Er is "
            "niets veranderd."
        ),
        "one_member": _(
            "Je bank is nu niet bereikbaar en niemand anders kan dit bestand bevestigen. Neem contact met ons op. We "
            "zoeken het uit met je bank. Er is niets veranderd."
        ),
    }
    return words.get(reason, _("Dit bestand bevat niets nieuws over deze betaling. Er is niets veranderd."))


def wish_changed(reason: str) -> str:
    """Return which wish of the company changed since a payment was shown or approved."""
    words = {
        "name_check_off": _("De naamcontrole is uitgezet. Er is niets betaald. Bekijk de betaling opnieuw."),
        "name_check_on": _("De naamcontrole is aangezet. Er is niets betaald. Bekijk de betaling opnieuw."),
    }
    return words.get(
        reason,
        _("De weergave op je afschrift is gewijzigd. Er is niets betaald. Bekijk de betaling opnieuw."),
    )


def _unfit(error: errors.UnsupportedByBank) -> str:
    if error.reason == "no_reference":
        return _(
            "Deze bank accepteert een betalingskenmerk van een regel niet. Er is niets betaald. Kies een andere "
            "rekening of betaal die regel zelf bij je bank."
        )
    if error.reason == "no_tax_reference":
        return _(
            "Deze bank accepteert geen betalingskenmerk. Zonder kenmerk komt loonheffing niet goed aan. Er is niets "
            "betaald. Kies een andere rekening."
        )
    return _(
        "Deze bank accepteert maximaal %(most)s betalingen in één opdracht. Deze opdracht heeft er meer. Er is "
        "niets betaald. Kies een rekening bij een andere bank of maak in Nmbrs kleinere betalingen.",
        most=number(error.most),
    )  # fmt: skip


WORDS: dict[type[Exception], Callable[[Any], str]] = {
    errors.NotFound: lambda e: _("Deze pagina bestaat niet of je hebt geen toegang."),
    # accounts
    errors.SignInRefused: lambda e: _("E-mailadres en wachtwoord horen niet bij elkaar. Probeer het opnieuw."),
    errors.EmailNotConfirmed: lambda e: _(
        "Bevestig eerst je e-mailadres. Je hebt een nieuwe mail met een knop gekregen."
    ),
    errors.LinkExpired: lambda e: _("Deze link is al gebruikt of te oud. Vraag een nieuwe link aan."),
    errors.WeakPassword: lambda e: _password(e.reason),
    errors.RateLimited: lambda e: ngettext(
        "Te veel pogingen. Probeer het over %(num)s seconde opnieuw.",
        "Te veel pogingen. Probeer het over %(num)s seconden opnieuw.",
        e.seconds,
    ),
    errors.DeviceUnconfirmed: lambda e: _("Bevestig eerst dat dit apparaat van jou is. Er is niets betaald."),
    errors.ReidentificationRequired: lambda e: _(
        "Je hebt een nieuw wachtwoord. Identificeer je opnieuw met iDIN. Daarna kun je weer betalen. Er is niets "
        "betaald."
    ),
    errors.PasskeyRefused: lambda e: _("Deze passkey is niet geaccepteerd. Probeer het opnieuw of kies een andere."),
    errors.PasskeyKnown: lambda e: _("Deze passkey is al toegevoegd."),
    errors.PinIsBirthDate: lambda e: _("Deze pincode is je geboortedatum. Kies een andere."),
    errors.PinNotSixDigits: lambda e: _("Een pincode heeft zes cijfers."),
    errors.PinTooCommon: lambda e: _("Deze pincode is te makkelijk te raden. Kies geen reeks of herhaling."),
    errors.PinWrong: lambda e: ngettext(
        "Deze pincode klopt niet. Je kunt het nog %(num)s keer proberen. Daarna wordt je pincode geblokkeerd.",
        "Deze pincode klopt niet. Je kunt het nog %(num)s keer proberen.",
        e.tries_left,
    ),
    errors.PinLocked: lambda e: _(
        "Je pincode is geblokkeerd na vijf verkeerde pogingen. Er is niets betaald. Gebruik een passkey of "
        "identificeer je opnieuw."
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
        "Je bent verdergegaan in een andere browser. Begin opnieuw en blijf in dezelfde browser."
    ),
    errors.IdentityCodeWrong: lambda e: (
        ngettext(
            "Deze code klopt niet. Je kunt het nog %(num)s keer proberen. Daarna begin je opnieuw.",
            "Deze code klopt niet. Je kunt het nog %(num)s keer proberen.",
            e.tries_left,
        )
        if e.tries_left
        else _("Deze code klopt niet. Begin opnieuw met identificeren.")
    ),
    errors.IdentificationInUse: lambda e: _(
        "Met deze identificatie is al iets goedgekeurd, gekoppeld of gecontroleerd. Klopt die niet? Neem dan contact "
        "met ons op."
    ),
    errors.NotIdentified: lambda e: _(
        "Identificeer je eerst met %(method)s.", method=current_app.config["IDENTITY_METHOD"]
    ),
    errors.InvitationRefused: lambda e: _invitation(e.reason),
    errors.AuthorityPending: lambda e: authority(e.reason),
    errors.AuthorityRefused: lambda e: authority(e.reason),
    errors.RegisterUnavailable: lambda e: _(
        "De KvK is nu niet bereikbaar. We kunnen niet controleren of je mag tekenen. Er is niets betaald. Je "
        "identificatie is bewaard. Probeer het straks opnieuw."
    ),
    # team
    errors.ClientBusy: lambda e: client_busy(e.why),
    errors.AccountNeeded: lambda e: account_needed(e.why, e.company),
    errors.NameRefused: lambda e: _name(e.reason),
    errors.LastOwner: lambda e: _("Dit is de enige eigenaar. Maak eerst iemand anders eigenaar."),
    errors.TooFewApprovers: lambda e: _(
        "Voor dubbele goedkeuring zijn er zo te weinig mensen. Nodig eerst iemand uit die mag betalen."
    ),
    errors.LastEditorCannotApprove: lambda e: _(
        "Je hebt deze betaling als laatste gewijzigd. Laat de betaling door iemand anders goedkeuren. Er is niets "
        "betaald."
    ),
    errors.SamePerson: lambda e: _(
        "Hier is iemand anders voor nodig: volgens de identificatie zijn deze twee accounts van dezelfde persoon."
    ),
    errors.NoPendingRequest: lambda e: _("Dit is al afgehandeld of opnieuw aangevraagd. Hieronder zie je de status."),
    errors.UnknownCompany: lambda e: _("Dit KvK-nummer is onbekend bij de KvK. Mail ons, dan helpen we je verder."),
    # banks
    errors.BankUnavailable: lambda e: _(
        "De bank is nu niet bereikbaar. Er is niets betaald. Probeer het straks opnieuw."
    ),
    errors.ConsentRefused: lambda e: _(
        "De bank heeft geen toegang gegeven. Er is niets gekoppeld. Probeer het opnieuw."
    ),
    errors.ConsentPending: lambda e: _(
        "Je toestemming is nog niet verwerkt door de bank. Probeer het over een paar minuten opnieuw."
    ),
    errors.ConsentEnded: lambda e: _(
        "De toegang tot deze rekening is verlopen. Er is niets betaald. Verleng de toestemming bij Saldo."
    ),
    errors.ConsentQuotaExceeded: lambda e: _("De daglimiet van je bank is bereikt. Morgen zie je nieuwe gegevens."),
    errors.UnknownBank: lambda e: _("Deze bank is niet beschikbaar. Kies een bank uit de lijst."),
    errors.BankFileRefused: lambda e: _bank_file(e.reason),
    # Nmbrs
    errors.NmbrsBadCredentials: lambda e: _(
        "De combinatie van e-mailadres en token klopt niet. Controleer de gegevens nauwkeurig en probeer het opnieuw."
    ),
    errors.NmbrsNotAllowed: lambda e: _(
        "Dit Nmbrs-account heeft het recht %(call)s niet. Geef het account dat recht in Nmbrs en probeer het "
        "opnieuw.",
        call=e.call,
    ),
    errors.NmbrsNoCompanyVisible: lambda e: _(
        "Dit Nmbrs-account heeft geen toegang tot een bedrijf. Geef het account in Nmbrs toegang tot je bedrijf."
    ),
    errors.NmbrsDisabled: lambda e: _(
        "De toegang tot deze omgeving is uitgezet in Nmbrs. Neem contact op met Nmbrs."
    ),
    errors.NmbrsUnavailable: lambda e: _(
        "Nmbrs is nu niet bereikbaar. Er is niets opgeslagen. Probeer het straks opnieuw."
    ),
    errors.NmbrsRateLimited: lambda e: _(
        "Het is nu te druk bij Nmbrs. Er is niets opgeslagen. Probeer het straks opnieuw."
    ),
    errors.DifferentKvkNumber: lambda e: _(
        "Deze administratie heeft een ander KvK-nummer dan je bedrijf. Bevestig eerst dat je deze administratie wilt "
        "betalen."
    ),
    errors.OAuthStateExpired: lambda e: _(
        "De toestemming bij Nmbrs is verlopen of al gebruikt. Er is niets veranderd. Begin opnieuw."
    ),
    errors.WrongInterface: lambda e: _(
        "Dit kan niet met je huidige Nmbrs-koppeling. Er is niets veranderd."
    ),
    errors.RestIdsMissing: lambda e: _(
        "Je administraties staan nog niet in de nieuwe koppeling. Er is niets veranderd. Geef toestemming met een "
        "gebruiker die alle administraties ziet, of vraag het Nmbrs."
    ),
    errors.AlreadyConnected: lambda e: _("Dit Nmbrs-account is al verbonden."),
    # payments
    errors.BatchChanged: lambda e: _(
        "De betaling is intussen gewijzigd. Er is niets betaald. Bekijk de betaling opnieuw en keur die dan goed."
    ),
    errors.WishesChanged: lambda e: wish_changed(e.reason),
    errors.NotOpen: lambda e: _(
        "Dit kan niet meer. Hieronder zie je de status van de betaling."
    ),
    errors.UnacknowledgedWarnings: lambda e: _(
        "Bekijk eerst de waarschuwingen bij deze betaling. Er is niets betaald."
    ),
    errors.UnansweredPayees: lambda e: _("Controleer eerst de nieuwe rekeningnummers. Er is niets betaald."),
    errors.DoubtStands: lambda e: _("Er is nog een vraag over een regel van deze betaling. Er is niets betaald."),
    errors.WordsRefused: lambda e: _("Schrijf in maximaal 200 tekens wat er niet klopt."),
    errors.AnsweredByApprover: lambda e: _(
        "Je hebt een rekeningnummer van deze betaling gecontroleerd. Volgens je instellingen moet iemand anders de "
        "betaling goedkeuren."
    ),
    errors.DetailsRemoved: lambda e: _(
        "De gegevens van deze betaling zijn verwijderd. Betalen is niet meer mogelijk."
    ),
    errors.RunMissing: lambda e: _("Deze run staat niet meer in Nmbrs. Er is niets betaald."),
    errors.MoreThanOwed: lambda e: _(
        "De salarisrun is gewijzigd: een deel van deze betaling is al betaald of vervallen. Er is niets betaald. We "
        "zetten klaar wat nog wel betaald moet worden."
    ),
    errors.PaymentsHeld: lambda e: _(
        "Betalingen zijn tijdelijk gepauzeerd. Er is niets verstuurd. Probeer het later opnieuw."
    ),
    errors.NotCounting: lambda e: _(
        "Dit bedrag is niet betaald. Zet het bij Niet betaald opnieuw klaar."
    ),
    errors.NotSignedYet: lambda e: _(
        "Deze betaling is nog niet ondertekend. Er is nog niets betaald. Onderteken de betaling eerst."
    ),
    errors.ExcessUnderWay: lambda e: _(
        "Voor deze regel is al een extra betaling aangevraagd. Wacht die af of trek die eerst in."
    ),
    errors.ExcessOutdated: lambda e: _(
        "De salarisrun is gewijzigd of staat niet meer in Nmbrs. Er is niets betaald. Controleer de run en vraag het "
        "opnieuw aan."
    ),
    errors.NothingToPay: lambda e: _("Alle regels zijn weggelaten. Zet minstens één regel op betalen."),
    errors.LimitExceeded: _limit,
    errors.UnsupportedByBank: _unfit,
    errors.DateInvalid: lambda e: date_reason(e.reason),
    errors.AccountInvalid: lambda e: _("Kies een rekening die is gekoppeld en bevestigd."),
    errors.GAccountPaysTaxOnly: lambda e: _(
        "Van een G-rekening kun je alleen loonheffing en btw betalen, geen salaris. Er is niets betaald. Kies een "
        "andere rekening."
    ),
    errors.AccountExists: lambda e: _("Deze bankrekening is al toegevoegd."),
    errors.InvalidSubscription: lambda e: _(
        "Meldingen aanzetten is niet gelukt in deze browser. Je krijgt altijd een mail."
    ),
    errors.IbanInvalid: lambda e: _("Dit is geen geldig rekeningnummer (IBAN). Controleer de cijfers."),
    errors.HolderNameMissing: lambda e: _("Vul de naam van de rekeninghouder in."),
    errors.WrongAuthenticationMethod: lambda e: _(
        "Onderteken bij deze bank op een andere manier. Er is niets betaald."
    ),
    errors.InsufficientRole: lambda e: _(
        "Je hebt hier geen rechten voor. Vraag het de eigenaar van het account. Er is niets betaald."
    ),
    # SCA
    errors.InvalidScaCode: _code_wrong,
    errors.ScaInProgress: lambda e: _("Je bent al bezig met ondertekenen in een ander venster."),
    errors.CancellationRefused: lambda e: _(
        "Deze betaling kan bij de bank niet meer worden geannuleerd. Hieronder zie je de status."
    ),
    errors.CancellationOutcomeUnknown: lambda e: _(
        "Geen antwoord van de bank. Het is nog niet bekend of de betaling is geannuleerd. We vragen het na. Deze "
        "pagina wordt vanzelf bijgewerkt."
    ),
    errors.SigningFailed: lambda e: _("Het ondertekenen is gestopt door de bank. Er is niets betaald."),
    errors.SigningRefused: lambda e: _(
        "Ondertekenen kan nu niet bij de bank. Er is niets betaald. Probeer het straks opnieuw."
    ),
    errors.ScaOutcomeUnknown: lambda e: _(
        "Geen antwoord van de bank. Het is nog niet bekend of je ondertekening is aangekomen. We vragen het na. Deze "
        "pagina wordt vanzelf bijgewerkt."
    ),
}


def message_for(error: Exception) -> str:
    """Return the message for a domain error, or a general one."""
    for kind in type(error).__mro__:
        if kind in WORDS:
            return WORDS[kind](error)
    return _("Er ging iets mis. Er is niets betaald. Probeer het opnieuw.")

"""The steps of setting up as rows, and companies to choose from."""

from flask import url_for
from flask_babel import gettext as _

from blueprints.web.parts import Task
from domain.common.services import services
from domain.overview.onboarding import OnboardingStep
from models.states import AuthorityAnswer

# Icon, and the view where the step is taken; the e-mail address is confirmed in a mail.
PLACES = {
    "email": ("mail", ""),
    "pin": ("lock", "onboarding.set_pin"),
    "identification": ("id", "onboarding.identify"),
    "authority": ("building", "onboarding.identify"),
    "bank": ("bank", "banking.choose_bank"),
    "nmbrs": ("link", "payroll.overview"),
    "mapping": ("apps", "payroll.overview"),
    "webhook": ("refresh", "payroll.overview"),
}


def step_task(step: OnboardingStep) -> Task:
    """Return the row of a setup step; only the current step is a link."""
    icon, view = PLACES[step.key]
    title, text, duration = _texts(step.key)
    if step.key == "authority" and step.detail == AuthorityAnswer.UNDETERMINED:
        text = _("We controleren je bevoegdheid. Je krijgt bericht van ons.")
    if step.key == "authority" and step.detail == AuthorityAnswer.NOT_AUTHORISED:
        text = _("Volgens de KvK mag je niet voor dit bedrijf tekenen.")
    url = url_for(view) if step.current and view else ""
    if step.done:
        return Task(url, "check", title, _("Klaar"), "good")
    return Task(url, icon, title, f"{text} {duration}", "accent" if step.current else "")


def company_task(name: str, kvk_number: str) -> Task:
    """Return the row of a company found in the KvK register; choosing it fills in the registration form."""
    url = url_for("account.register", bedrijf=name, kvk=kvk_number)
    return Task(url, "building", name, _("KvK %(number)s", number=kvk_number))


def _texts(key: str) -> tuple[str, str, str]:
    """Return title, reason and duration."""
    return {
        "email": (
            _("E-mailadres bevestigen"),
            _("Alleen jij krijgt zo berichten over je betalingen."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "pin": (
            _("Pincode kiezen"),
            _("Met deze zes cijfers keur je betalingen goed. Deel ze met niemand."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "identification": (
            _("Identificeren met %(method)s", method=services().identity.name),
            _("Dit is wettelijk verplicht. Alleen je naam en geboortedatum worden gedeeld."),
            _("Duurt ongeveer 3 minuten."),
        ),
        "authority": (
            _("Tekenbevoegdheid"),
            _("Alleen wie voor je bedrijf mag tekenen, mag namens je bedrijf betalen. We controleren dat bij de KvK."),
            _("Gaat automatisch."),
        ),
        "bank": (
            _("Bankrekening koppelen"),
            _("Vanaf deze rekening betaal je de salarissen. Je geeft toestemming bij je bank."),
            _("Duurt ongeveer 3 minuten."),
        ),
        "nmbrs": (
            _("Nmbrs verbinden"),
            _("We halen de salarisruns op uit Nmbrs. Houd je e-mailadres en token bij de hand."),
            _("Duurt ongeveer 5 minuten."),
        ),
        "mapping": (
            _("Administratie kiezen"),
            _("Kies per administratie de juiste rekening."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "webhook": (
            _("Automatische melding uit Nmbrs aanzetten"),
            _(
                "Een salarisrun staat dan meteen klaar. Zonder automatische melding controleren we elk uur of er een "
                "nieuwe is."
            ),
            _("Duurt ongeveer 3 minuten."),
        ),
    }[key]

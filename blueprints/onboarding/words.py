from flask_babel import gettext as _

from domain.common.services import services
from domain.overview.onboarding import OnboardingStep

# Icon, and path below the client's.
PLACES = {
    "email": ("mail", ""),
    "pin": ("lock", "pincode"),
    "identification": ("id", "identificatie"),
    "authority": ("building", "identificatie"),
    "bank": ("bank", "saldo/toevoegen"),
    "nmbrs": ("link", "apps/nmbrs"),
    "mapping": ("apps", "apps/nmbrs"),
    "webhook": ("refresh", "apps/nmbrs"),
}


def step_words(step: OnboardingStep) -> dict[str, str]:
    """Return icon, title, explanation and path (below the client's) of a setup step."""
    sign, path = PLACES[step.key]
    title, text, takes = _words(step.key)
    if step.key == "authority" and step.detail == "not_established":
        text = _("We bekijken je bevoegdheid zelf. Je hoort van ons.")
    if step.key == "authority" and step.detail == "no":
        text = _("Volgens de KvK mag je niet voor dit bedrijf tekenen.")
    return {"sign": sign, "title": title, "text": text, "path": path, "takes": takes}


def _words(key: str) -> tuple[str, str, str]:
    """Return title, reason and duration."""
    return {
        "email": (
            _("E-mailadres bevestigen"),
            _("Zo komen berichten over je betalingen alleen bij jou."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "pin": (
            _("Pincode kiezen"),
            _("Met deze zes cijfers keur je betalingen goed; niemand anders kan dat."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "identification": (
            _("Identificeren met %(method)s", method=services().identity.name),
            _("De wet vraagt wie er betaalt. Alleen je naam en geboortedatum worden gedeeld."),
            _("Duurt ongeveer 3 minuten."),
        ),
        "authority": (
            _("Tekenbevoegdheid"),
            _("Alleen wie voor je bedrijf mag tekenen, mag ervoor betalen. We vragen het de KvK."),
            _("Gaat vanzelf."),
        ),
        "bank": (
            _("Bankrekening koppelen"),
            _("De rekening waarvan je de salarissen betaalt. Je bank vraagt je toestemming."),
            _("Duurt ongeveer 3 minuten."),
        ),
        "nmbrs": (
            _("Nmbrs verbinden"),
            _("Daar halen we de salarisruns op. Houd je e-mailadres en token uit Nmbrs bij de hand."),
            _("Duurt ongeveer 5 minuten."),
        ),
        "mapping": (
            _("Administratie kiezen"),
            _("Zodat elke administratie van de goede rekening wordt betaald."),
            _("Duurt ongeveer 1 minuut."),
        ),
        "webhook": (
            _("Seintje van Nmbrs aanzetten"),
            _("Dan staat een salarisrun meteen voor je klaar. Zonder seintje kijken we zelf elk uur."),
            _("Duurt ongeveer 3 minuten."),
        ),
    }[key]

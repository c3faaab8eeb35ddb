from flask_babel import gettext as _

from domain.onboarding import Step

# Sign, and path below the client's address.
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


def step_words(step: Step) -> dict[str, str]:
    """Sign, title, explanation and path (below the client's address) of a step of setting up."""
    sign, path = PLACES[step.key]
    title, text = _words(step.key)
    if step.key == "authority" and step.detail == "not_established":
        text = _("We bekijken je bevoegdheid zelf. Je hoort van ons.")
    if step.key == "authority" and step.detail == "no":
        text = _("Volgens de KvK mag je niet voor dit bedrijf tekenen.")
    return {"sign": sign, "title": title, "text": text, "path": path}


def _words(key: str) -> tuple[str, str]:
    return {
        "email": (_("E-mailadres bevestigen"), _("Via de knop in de mail.")),
        "pin": (_("Pincode kiezen"), _("Zes cijfers waarmee je betalingen goedkeurt.")),
        "identification": (_("Identificeren met iDIN"), _("Met je privébankpas; alleen naam en geboortedatum.")),
        "authority": (_("Tekenbevoegdheid"), _("We vragen de KvK of je voor je bedrijf mag tekenen.")),
        "bank": (_("Bankrekening koppelen"), _("De rekening waarvan je de salarissen betaalt.")),
        "nmbrs": (_("Nmbrs verbinden"), _("Met je e-mailadres en token uit Nmbrs.")),
        "mapping": (_("Administratie kiezen"), _("Welke rekening betaalt welke administratie.")),
        "webhook": (_("Seintje van Nmbrs aanzetten"), _("Dan krijgen we een seintje na elke salarisrun.")),
    }[key]

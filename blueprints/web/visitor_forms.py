"""Forms of people who are not signed in outlive the session that holds their CSRF token.

A page that stood open longer than that session sends a token that can no longer be compared. If the browser says that
the request comes from this site (Sec-Fetch-Site, or Origin), it is accepted: another site can send neither, so nobody
can be signed in as somebody else. Of a browser that says nothing the form comes back as typed, with a new token.
"""

from flask import flash, g, request
from flask_babel import gettext as _
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from blueprints.web.urls import split_address

# Each of these views checks the token of its form itself, so that it can show the form again.
FORMS = frozenset({
    "account.sign_in", "account.register", "account.confirmation_sent", "account.confirm_email",
    "account.request_password_reset", "account.reset_password", "team.join",
    "account.stop_email_change",
})  # fmt: skip
# Sent by a script: there is no form to show again.
SCRIPTS = frozenset({"account.sign_in_options", "account.sign_in_with_passkey"})


class VisitorCsrfProtect(CSRFProtect):
    def protect(self, apply_exemptions: bool = False) -> None:
        try:
            super().protect(apply_exemptions)
        except CSRFError:
            if self._get_csrf_token() is None or request.endpoint not in FORMS | SCRIPTS:
                raise
            if comes_from_this_site():
                g.csrf_valid = True
            elif request.endpoint in FORMS:
                flash(_("Deze pagina stond lang open. Controleer de gegevens en probeer het opnieuw."), "warn")
            else:
                raise


def comes_from_this_site() -> bool:
    """Return whether the browser itself says that a page of this site sent the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    parts = split_address(request.headers.get("Origin", ""))
    return bool(parts.netloc) and (parts.scheme, parts.netloc) == (request.scheme, request.host)

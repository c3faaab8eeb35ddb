"""A connection to Nmbrs for each process, that carries nothing from one customer's call into another's."""

import os
from http.cookiejar import DefaultCookiePolicy

import requests


class PerProcessSession:
    """Made before the worker forks; each fork gets a session of its own: two on one socket would read each other's
    answers."""

    def __init__(self) -> None:
        self._held = os.getpid(), _new_session()

    def get(self) -> requests.Session:
        """This process's own."""
        owner, session = self._held
        if owner != os.getpid():
            session = _new_session()
            self._held = os.getpid(), session
        return session


def _new_session() -> requests.Session:
    """No cookies are kept, and no password file or proxy that the environment brings in."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session

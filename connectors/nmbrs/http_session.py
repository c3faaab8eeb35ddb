"""An HTTP session per process, which keeps no state between calls of different customers."""

import os
from http.cookiejar import DefaultCookiePolicy

import requests


class PerProcessSession:
    """Give each process its own session. The parent makes this object before the worker forks, and two processes on one
    socket would read each other's answers.
    """

    def __init__(self) -> None:
        self._held = os.getpid(), _new_session()

    def get(self) -> requests.Session:
        """Return the session of this process."""
        owner, session = self._held
        if owner != os.getpid():
            session = _new_session()
            self._held = os.getpid(), session
        return session


def _new_session() -> requests.Session:
    """Create a session without cookies, netrc and environment proxies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session

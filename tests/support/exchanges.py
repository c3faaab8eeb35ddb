"""Observes what the bank adapter sends and receives, and checks each exchange against the contract."""

from dataclasses import dataclass, field

import requests

from connectors.bank.transport import Answer, Request
from tests.support import contract, reference


@dataclass
class Watch:
    """An observer for BerlinGroupBank. `checked`: a violation of the contract fails the test."""

    checked: bool = True
    seen: list[tuple[Request, Answer | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.checked:
            reference.path(reference.BANK_CONTRACT)

    def __call__(self, request: Request, answer: Answer | None) -> None:
        self.seen.append((request, answer))
        if self.checked and answer is not None:
            contract.check(prepared(request), received(request, answer))

    @property
    def last(self) -> Request:
        return self.seen[-1][0]

    def calls(self) -> list[str]:
        """Return method and path of each request, in order."""
        return [f"{request.method} {request.url.partition('/v1/')[2]}" for request, _ in self.seen]


def prepared(request: Request) -> requests.PreparedRequest:
    """Return the request for the checker, at one base URL for all banks: it builds a contract per base URL."""
    url = f"http://bank.example/v1/{request.url.partition('/v1/')[2]}"
    return requests.Request(request.method, url, headers=dict(request.headers), data=request.body or None).prepare()


def received(request: Request, answer: Answer) -> requests.Response:
    made = requests.Response()
    made.status_code, made.request = answer.status, prepared(request)
    made.headers.update(answer.headers)
    made._content = answer.body
    return made

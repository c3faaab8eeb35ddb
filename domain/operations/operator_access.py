"""Who an operator is: a registered name and a token of one's own.

Where two operators must say the same, each signs in. A typed name alone counts only in development, and only while
nobody is registered (docs/decisions/0032-operators-sign-in.md).
"""

import unicodedata

from core.clock import utcnow
from core.ids import random_token
from domain.common.encryption import blind_index
from domain.common.errors import OperatorRefused
from domain.common.security_log import by_operator, security_logged
from domain.common.services import services
from models import Operator, transaction


def normalise_operator(name: str) -> str:
    """Return the name by which an operator is known: capitals, blanks and invisible characters make nobody else."""
    plain = unicodedata.normalize("NFKC", name)
    visible = "".join(" " if one.isspace() else one for one in plain if unicodedata.category(one) not in ("Cf", "Cc")
                      or one.isspace())  # fmt: skip
    return " ".join(visible.split()).casefold()


def active_operators() -> list[Operator]:
    """Return the operators who may sign in, in the order in which they were added."""
    return list(Operator.select().where(Operator.ended_at.is_null()).order_by(Operator.id))


def requires_sign_in() -> bool:
    """Return whether operators must sign in: in production always, elsewhere once somebody is registered."""
    return services().operators_sign_in or Operator.select().exists()


@security_logged("operator_sign_in", by_operator)
def sign_in(name: str, token: str | None) -> str:
    """Check the operator's token, where operators must sign in. Return their normalised name.

    Raises:
    - OperatorRefused: no name; nobody of that name, or the token is not theirs.
    """
    who = normalise_operator(name)
    if not who:
        raise OperatorRefused("say who you are")
    if not requires_sign_in():
        return who
    found = Operator.get_or_none(Operator.name == who, Operator.ended_at.is_null())
    if found is None or not token or found.token_hash != blind_index(token):
        raise OperatorRefused("unknown operator or wrong token; operators are registered with `operator add`")
    return who


def add_operator(name: str, added_by: str, token: str | None, account: str) -> str:
    """Register an operator and return the token, which is shown this once.

    The first operator is added by whoever has `account` on the machine; each further one by an operator who signs in
    as `added_by` with `token`.

    Raises:
    - OperatorRefused: the name is taken or empty, or nobody signed in.
    """
    who, secret = normalise_operator(name), random_token()
    if not who:
        raise OperatorRefused("an operator needs a name")
    by = sign_in(added_by, token) if active_operators() else account
    with transaction():
        if Operator.select().where(Operator.name == who).exists():
            raise OperatorRefused(f"{who} is registered already, or was; a name is given once")
        Operator.create(name=who, token_hash=blind_index(secret), added_by=by)
    return secret


def end_operator(name: str, ended_by: str, token: str | None) -> str:
    """End this operator's access; what they reported before still counts. Return their normalised name.

    Raises:
    - OperatorRefused: nobody of that name, or nobody signed in.
    """
    sign_in(ended_by, token)
    who = normalise_operator(name)
    mine = (Operator.name == who) & Operator.ended_at.is_null()
    if not Operator.update(ended_at=utcnow()).where(mine).execute():
        raise OperatorRefused("no operator of that name")
    return who

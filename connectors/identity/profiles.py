"""What is known of each broker and method: what to ask for, and what its answer calls our four fields.

Chosen by a setting, each part of it can be set apart; nothing of a broker stands anywhere else. `claims`
maps our fields (initials or first_names, last_name, prefix, birth_date) to claims, "a.b" looks inside claim
a. `accepted` names claims of the identity token that must hold one of these values.

Sources: pages of the brokers (docs/facts/identity.md, 1.3). A name that no source shows is marked; setting it apart is
enough when the broker calls it otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FIELDS = ("initials", "first_names", "last_name", "prefix", "birth_date")


@dataclass(frozen=True)
class Profile:
    """`name` is how the person knows the method."""

    name: str
    scopes: str
    acr_values: str
    claims: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


PROFILES: dict[str, Profile] = {
    # iDIN at Signicat's eID hub: initials and legal surname apart, date of birth as YYYYMMDD
    "signicat-idin": Profile(
        "iDIN", "openid idin-name date-of-birth", "idp:idin",
        claims={
            "initials": "initials", "last_name": "idin_legal_last_name", "prefix": "idin_legal_last_name_prefix",
            "birth_date": "birthdate",
        },
        accepted={"acr": ("idp:idin",)},
    ),
    # iDIN at Idura (formerly Criipto): names inside verified_claims; initials there are assumed
    "idura-idin": Profile(
        "iDIN", "openid idin:full-id", "urn:grn:authn:nl:idin",
        claims={
            "initials": "verified_claims.initials", "last_name": "verified_claims.legallastname",
            "prefix": "verified_claims.legallastnameprefix", "birth_date": "birthdate",
        },
        accepted={"authenticationtype": ("urn:grn:authn:nl:idin",)},
    ),
    # itsme at Signicat's eID hub: it reads an identity document, so first names, and a surname with its prefix
    "itsme": Profile(
        "itsme", "openid profile date-of-birth", "idp:itsme",
        claims={"first_names": "given_name", "last_name": "family_name", "birth_date": "birthdate"},
        accepted={"acr": ("idp:itsme",)},
    ),
}  # fmt: skip
DEFAULT = "signicat-idin"

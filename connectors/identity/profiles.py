"""Profiles of brokers and methods: what to request, and which claims hold our four fields.

A setting chooses the profile and can replace each part of it; nothing about a broker is written elsewhere. `claims`
maps our fields (initials or first_names, last_name, prefix, birth_date) to claims; "a.b" is claim b inside claim a.
`accepted` names id token claims that must hold one of these values.
Source: the brokers' documentation (docs/facts/identity.md, 1.3). Names without a source are marked as assumed; a
setting corrects them if needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FIELDS = ("initials", "first_names", "last_name", "prefix", "birth_date")


@dataclass(frozen=True)
class Profile:
    """What to request of a broker, and the claims of its answer. `name`: as people know the method."""

    name: str
    scopes: str
    acr_values: str
    claims: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


PROFILES: dict[str, Profile] = {
    # iDIN at Signicat's eID hub: separate initials and legal surname; birth date as YYYYMMDD.
    "signicat-idin": Profile(
        "iDIN", "openid idin-name date-of-birth", "idp:idin",
        claims={
            "initials": "initials", "last_name": "idin_legal_last_name", "prefix": "idin_legal_last_name_prefix",
            "birth_date": "birthdate",
        },
        accepted={"acr": ("idp:idin",)},
    ),
    # iDIN at Idura (formerly Criipto): names inside verified_claims; `initials` is an assumed name.
    "idura-idin": Profile(
        "iDIN", "openid idin:full-id", "urn:grn:authn:nl:idin",
        claims={
            "initials": "verified_claims.initials", "last_name": "verified_claims.legallastname",
            "prefix": "verified_claims.legallastnameprefix", "birth_date": "birthdate",
        },
        accepted={"authenticationtype": ("urn:grn:authn:nl:idin",)},
    ),
    # itsme at Signicat's eID hub: from an identity document, so first names, and a surname that includes its prefix.
    "itsme": Profile(
        "itsme", "openid profile date-of-birth", "idp:itsme",
        claims={"first_names": "given_name", "last_name": "family_name", "birth_date": "birthdate"},
        accepted={"acr": ("idp:itsme",)},
    ),
}  # fmt: skip
DEFAULT = "signicat-idin"

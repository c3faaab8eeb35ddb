"""Whether two descriptions are of one natural person: by surname, initials and birth date."""

import re
import unicodedata

from connectors.identity.port import Identity
from connectors.register.port import Person
from core.hidden_characters import drop_hidden

WORD_ENDS = r"[\s\-]+"
DIGRAPHS = ("ij", "th", "ch", "ph", "tj")


def match_person(person: Person, identity: Identity) -> str:
    """Return "exact", "partly" or "no".

    Birth date and legal surname must agree; one set of initials may be the start of the other. Brokers that read an
    identity document write the prefix as part of the surname, which counts as the same surname.
    """
    surname = _same_surname(person, identity)
    if surname == "no":
        return "no"
    if person.birth_date is None or identity.birth_date is None:
        return "partly"
    if person.birth_date != identity.birth_date:
        return "no"
    ours, theirs = _initials(person), _initials(identity)
    starts = any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)
    return "exact" if starts and surname == "exact" else "partly"


def may_be_same_person(one: Person, other: Identity) -> bool:
    """Return whether these can be one person: nothing known of the two differs.

    A double surname (Jong-Bakker) agrees with each of its parts, as brokers and banks use either after a marriage.
    """
    if one.birth_date and other.birth_date and one.birth_date != other.birth_date:
        return False
    mine, theirs = _initials(one), _initials(other)
    if mine and theirs and not any(a.startswith(b) or b.startswith(a) for a in mine for b in theirs):
        return False
    if not (_plain(one.last_name or "") and _plain(other.last_name or "")):
        return True
    parts, others = _surname_parts(one), _surname_parts(other)
    return _same_surname(one, other) != "no" or bool(parts & others)


def bears_surname(name: str, identity: Identity) -> bool:
    """Return whether this full name holds the surname of the identity, or one part of a double surname, whole.

    After a marriage a person may be called by either part, or by both in another order (BW 1:9); a given name is no
    proof, as it may be short for any initial. An identity without a surname is held by no name.
    """
    words = f" {' '.join(map(_plain, re.split(WORD_ENDS, name)))} "
    parts = [re.split(WORD_ENDS, part) for part in (identity.last_name or "").split("-")]
    surnames = [" ".join(filter(None, map(_plain, part))) for part in parts]
    return any(f" {surname} " in words for surname in surnames if surname)


def _surname_parts(who: Person | Identity) -> set[str]:
    """Return the parts of a surname at its hyphens, plain and with the prefix; two letters and shorter do not count."""
    prefix = _plain(who.prefix or "")
    parts = [_plain(part) for part in (who.last_name or "").split("-")]
    return {part for part in [*parts, prefix + parts[0]] if len(part) > 2}


def _same_surname(person: Person, identity: Identity) -> str:
    """Return "exact" if the prefixes agree or one side has none, "partly" if only the prefixes differ, else "no"."""
    ours, theirs = _plain(person.last_name), _plain(identity.last_name)
    our_prefix, their_prefix = _plain(person.prefix or ""), _plain(identity.prefix or "")
    if ours == theirs:
        return "exact" if not (our_prefix and their_prefix) or our_prefix == their_prefix else "partly"
    return "exact" if our_prefix + ours == their_prefix + theirs else "no"


def _initials(who: Person | Identity) -> list[str]:
    """Return the possible spellings of this person's initials: letter by letter, and with digraphs (IJ, Th, Ch) as one.

    Empty when there are no initials, so that nothing matches.
    """
    first_names = who.first_names if isinstance(who, Person) else None
    if first_names:
        found = [letters for apart in (r"\s+", r"[\s\-]+") for letters in _letters(re.split(apart, first_names))]
    else:
        text = re.sub(r"[^a-z]", "", _plain(who.initials or ""))
        found = [text, re.sub("|".join(DIGRAPHS), lambda pair: pair[0][0], text)]
    return [one for one in dict.fromkeys(found) if one]


def _letters(names: list[str]) -> tuple[str, str]:
    """Return the first letters of the names, and the same with digraphs kept whole."""
    plain = [_plain(name) for name in names]
    whole = (name[:2] if name[:2] in DIGRAPHS else name[:1] for name in plain)
    return "".join(name[:1] for name in plain), "".join(whole)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", drop_hidden(text)).casefold()
    return "".join(c for c in decomposed if c.isalpha())

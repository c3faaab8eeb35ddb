"""Creditors for a run that is long enough to search in."""

FIRST = ("Anna", "Bilal", "Chantal", "Daan", "Emine", "Fatima", "Gijs", "Hein", "Ilse", "Jan")
LAST = ("Vries, de", "Yılmaz", "Jansen", "Berg, van den", "Bakker", "Visser", "Öztürk", "Smit", "Meijer", "Mulder")


def many(count: int) -> list[tuple[str, str, int]]:
    """Return `count` creditors, each with its own account and amount."""
    return [(name(number), iban(number), 150_000 + number) for number in range(1, count + 1)]


def name(number: int) -> str:
    return f"{LAST[number % 10]}, {FIRST[number // 10 % 10]} {number}"


def iban(number: int) -> str:
    """Return a Dutch IBAN with correct check digits."""
    account = f"INGB{number:010d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{account}NL00")
    return f"NL{98 - int(digits) % 97:02d}{account}"

from blueprints.web.lazy_texts import _l

# Events to be notified of (domain.outbox.push.KINDS), in the order of a payment's life.
HEARD = {
    "waits": _l("Er staat een betaling klaar"),
    "asked": _l("Iemand vraagt mijn goedkeuring"),
    "executed": _l("Een betaling is uitgevoerd"),
    "refused": _l("Een betaling is geweigerd of niet helemaal uitgevoerd"),
    "consent": _l("Een bankkoppeling loopt af"),
}

"""The vendor's error codes, with the texts of its SOAP faults."""

TEXTS = {
    1001: "Invalid Authentication",
    1002: "Unauthorized access",
    1003: "Unauthorized access",
    1004: "Disabled, no valid subscription",
    1006: "Generic Login Security Failure",
    2003: "Unauthorized access",
    2004: "Unauthorized access",
    2009: "Unauthorized access",
    2044: "Invalid endpoint. The endpoint must be a URL with https://",
    2045: "Name is mandatory",
    2046: "Webhook settings not found",
    9999: "Unkown",  # the vendor's spelling
}


class NmbrsFault(Exception):
    """An error with one of the vendor's codes."""

    def __init__(self, code: int):
        super().__init__(f"{code}: {TEXTS[code]}")
        self.code = code


class UnreadableRequest(Exception):
    """The request is not a SOAP call of this service; the text is the server's error message."""

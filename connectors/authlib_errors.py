"""What Authlib and Requests raise for a token answer that cannot be read, or that did not come."""

import requests

# Authlib calls int() on `expires_in`, whatever it is: a TypeError for a list, an OverflowError for 1e999.
UNREADABLE = (requests.RequestException, ValueError, TypeError, ArithmeticError, RecursionError)

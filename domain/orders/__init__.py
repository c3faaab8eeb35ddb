"""Orders at the bank: submission of a released payment, SCA, payee verification, status polling and cancellation.

Ask it to submit a payment, to start or continue strong customer authentication, or what the bank said last.
"""

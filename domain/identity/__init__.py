"""Who a person is and whether they may sign for a company.

Identification runs over OpenID Connect with the identity broker; the signing authority comes from the business
register (KvK) and is authorised, not authorised or undetermined. Ask it whether a user is identified and what the
register said last.
"""

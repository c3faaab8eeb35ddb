"""Outbox of mails and push notifications: rows written in the same transaction as the event, sent later by jobs.

Ask it to enqueue a mail or a push notification, and, from a job, to deliver what is due. A message never contains an
employee's name, an IBAN or an amount.
"""

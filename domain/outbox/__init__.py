"""Outbox of mails and push notifications: rows written in the transaction of what they tell, sent later by jobs.

Ask it to enqueue a mail or a push notification, and, from a job, to deliver what is due. A message never holds a
name of an employee, an IBAN or an amount.
"""

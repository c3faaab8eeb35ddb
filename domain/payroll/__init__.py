"""Payroll in Nmbrs: connections, companies, webhooks, polling, and the intake of runs into payments.

Ask it to store a webhook delivery, to discover runs of a company, or to import a run.
"""

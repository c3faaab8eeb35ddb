"""Payroll in Nmbrs: connections, payroll companies, webhooks, polling, and the import of runs as payments.

Ask it to store a webhook delivery, to discover the runs of a company, or to import a run.
"""

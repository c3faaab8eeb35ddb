"""Nmbrs, where payroll is run."""

"""Connect to Nmbrs, the payroll program, over SOAP and REST."""

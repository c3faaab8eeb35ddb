"""Connect to other systems. Each has a port (a protocol with its data and errors) and adapters that implement it.

Connectors know neither the database nor the web pages.
"""

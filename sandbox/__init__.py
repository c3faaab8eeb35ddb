"""Simulators of every external system: Nmbrs, banks, an identity broker, KvK, push services and a mailbox.

A separate web app that speaks the real protocols on real sockets. Neither it nor the product imports the other.
"""

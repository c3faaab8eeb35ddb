"""The other side of every connector: Nmbrs, three banks, an identity broker, the KvK and a mailbox.

A separate small web app that answers on real sockets with the real protocols. It imports nothing of the
product and nothing of the product imports it.
"""

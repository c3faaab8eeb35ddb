"""Personal data: what is kept of a person, a copy of it for that person, and its removal when its time is over.

Ask it for a copy of what is kept of a user or of an employee, or to remove what is past its time.
"""

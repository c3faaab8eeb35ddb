"""The one blueprint of these screens, and addresses that several of them lead to."""

from flask import Blueprint

from models import Client, NmbrsConnection

blueprint = Blueprint("payroll", __name__)


def home_of(client: Client) -> str:
    return f"/{client.public_id}/apps/nmbrs"


def place_of(client: Client, connection: NmbrsConnection, part: str) -> str:
    """A page of one connection: rechten, instellingen, token …"""
    return f"{home_of(client)}/{connection.id}/{part}"


def number(text: str) -> int | None:
    """The id that a form or address names; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None

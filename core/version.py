"""The version of the program. Keep it equal to the topmost version of CHANGELOG.md."""

VERSION = "0.1.0"

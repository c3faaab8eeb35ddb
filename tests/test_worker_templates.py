"""What the worker renders needs none of the pages: its application has templates and texts, and no blueprint."""

from pathlib import Path

import pytest

import app as application
import config

ROOT = Path(__file__).parent.parent / "templates"
NAMES = sorted(str(path.relative_to(ROOT)) for room in ("mail", "push") for path in (ROOT / room).glob("*.*"))


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_or_push_has_all_its_filters_in_the_worker(tmp_path: Path, name: str):
    """A template with an unknown filter does not compile."""
    app = application.bare_app(config.load({"BIZCUIT_HOME": str(tmp_path)}))
    assert app.blueprints == {}
    app.jinja_env.get_template(name)

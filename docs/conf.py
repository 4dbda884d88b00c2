"""Configuration of the documentation site: ``make docs`` builds it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from airflow_provider_engagevoice import __version__

project = "Airflow provider for RingCentral Engage Voice"
author = "The authors of airflow-provider-engagevoice"
copyright = "airflow-provider-engagevoice"
version = release = __version__

extensions = ["myst_parser", "autoapi.extension"]
exclude_patterns = ["_build", "requirements.txt"]
html_theme = "furo"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
html_title = f"{project} {version}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# A connection in several lines is not what the lexer of consoles expects.
suppress_warnings = ["misc.highlighting_failure"]

autoapi_dirs = ["../airflow_provider_engagevoice"]
autoapi_root = "api"
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_member_order = "bysource"
autoapi_python_class_content = "class"
autoapi_options = ["members", "undoc-members", "show-inheritance"]
#: What users import; everything else may change at any time.
PUBLIC = (
    "assets",
    "exceptions",
    "hooks",
    "links",
    "models",
    "operators",
    "retries",
    "seasons.model",
    "sensors",
    "triggers",
)


def skip(app, what, name, obj, skip, options):
    """Leave out what is private: modules that users do not import, and names with an underscore."""
    parts = name.split(".")
    inner = ".".join(parts[1:])
    is_public = (
        any(f"{inner}.".startswith(f"{one}.") or f"{one}.".startswith(f"{inner}.") for one in PUBLIC)
        or len(parts) == 1
        or (len(parts) == 2 and what not in ("module", "package"))
    )
    return not is_public or any(part.startswith("_") and part != "__init__" for part in parts) or skip


def setup(app):
    """Connect the filter to Sphinx."""
    app.connect("autoapi-skip-member", skip)

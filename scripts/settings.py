"""What the program says of the variables that it is deployed with."""

import os
import pathlib
import re
import subprocess
import tempfile

# What stands in the files that variables name, where it matters.
CONTENTS = {
    "DOSSIER_STORE__URL_FILE": "postgres://dossier:secret@database/dossier",
    "DOSSIER_STORE__LISTEN_URL_FILE": "postgres://dossier:secret@database/dossier",
}


def keys_of_the_configuration():
    page = pathlib.Path(__file__).parent.parent / "docs/configuration.md"
    return set(re.findall(r"^\| `([a-z0-9_.]+)` \|", page.read_text(), re.MULTILINE))


def check_accepted(program, given):
    """Asserts that the program takes these variables and no others, each file being there."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"PATH": os.environ["PATH"], "HOME": folder}
        for name, value in given.items():
            if value.startswith("/run/secrets/"):
                file = pathlib.Path(folder, name)
                file.write_text(CONTENTS.get(name, "secret"))
                value = str(file)
            variables[name] = value
        shown = subprocess.run(
            [program, "config", "show"], env=variables, cwd=folder, capture_output=True, text=True
        )
    assert shown.returncode == 0, f"the program refuses its settings: {shown.stderr.strip()}"

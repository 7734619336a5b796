"""Make the documents that come from code, so that they cannot lie: ``python -m docs.render``.

With ``--check`` nothing is written, and the exit code is 1 when a file is not what it would be.
"""

import argparse
import json
import sys
from pathlib import Path

from docs.render_configuration import configuration_page, environment_example
from docs.render_data_model import data_model_page
from docs.render_messages import messages_page
from docs.render_openapi import openapi_document
from docs.render_states import states_page

ROOT = Path(__file__).resolve().parent.parent


def pages() -> dict[Path, str]:
    """Every document and what it should hold."""
    return {
        Path("docs/configuration.md"): configuration_page(),
        Path("deploy/env.example"): environment_example(),
        Path("docs/data-model.md"): data_model_page(),
        Path("docs/messages.md"): messages_page(),
        Path("docs/states.md"): states_page(),
        Path("docs/openapi.json"): json.dumps(openapi_document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n",
    }


def main(arguments: list[str]) -> int:
    """Returns 1 if a document was not current and nothing should be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a document is not current")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, text in pages().items():
        file = ROOT / path
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            print(f"{path} is not current; run: make docs", file=sys.stderr)
        else:
            file.write_text(text, encoding="utf-8")
            print(f"{path} written")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A hook of mkdocs: it leads links of notebooks to pages, which the notebooks' plug-in does not."""

import re
from typing import Any


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Lets the links of a notebook lead to the pages of the site, from `NAME.md` to `NAME.html`."""
    if not page.file.src_uri.endswith(".ipynb"):
        return output
    return re.sub(r'href="(\.\./[\w-]+)\.md', r'href="\1.html', output)

"""What mkdocs does besides: it leads links from notebooks to pages, which its plug-in leaves as they are."""

import re
from typing import Any


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Lets the links of a notebook lead to the pages of the site."""
    if not page.file.src_uri.endswith(".ipynb"):
        return output
    return re.sub(r'href="(\.\./[\w-]+)\.md', r'href="\1.html', output)

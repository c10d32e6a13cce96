"""What the rule files share."""

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.plan.rule_parts import check_folder


def test_a_folder_with_braces_is_refused() -> None:
    check_folder("/home/me/my project [1] (new)")
    for name in ("/home/me/{project}", "/home/{me/project", "/home/me}/project"):
        with pytest.raises(MosforgeError, match="braces") as caught:
            check_folder(name)
        assert name in str(caught.value)

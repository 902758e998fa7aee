"""Bash completion of names with colons and equals signs, such as NAME:FORM.

Click completes commands in every shell: ``eval "$(_BENCH_COMPLETE=bash_source bench)"``. But bash splits words at ``:``
and ``=``, and replaces only the part after the last of them.
"""

import os
import re

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

SEPARATORS = (":", "=")


class SplitWordsComplete(BashComplete):
    """Joins the words that bash has split, and leaves out of a completion what bash keeps."""

    kept = ""
    """The part of the incomplete word that bash keeps."""

    def get_completion_args(self) -> tuple[list[str], str]:
        current = int(os.environ["COMP_CWORD"])
        typed = [*split_arg_string(os.environ["COMP_WORDS"]), ""][1 : current + 1]
        words = [""]
        for word in typed:
            if word in SEPARATORS or words[-1].endswith(SEPARATORS):
                words[-1] += word
            else:
                words.append(word)
        self.kept = "".join(re.findall(r".*[:=]", words[-1]))
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type},{item.value.removeprefix(self.kept)}"


add_completion_class(SplitWordsComplete)

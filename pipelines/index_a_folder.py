"""A folder of documents to an index that is kept, and a question to its passages.

    python pipelines/index_a_folder.py pipelines/sample my-index "When was the tower completed?"

The second run reads only what changed in the folder; delete the index folder to start afresh.
"""

import sys
from pathlib import Path

from ragattr import FuseRanks, Query
from ragattr.models import embedded
from ragattr.retrieval.build import build_index
from ragattr.retrieval.duplicates import MergeDuplicates
from ragattr.retrieval.index import open_index


def main(docs: str, folder: str, question: str) -> None:
    """Bring the index up to date and print the three best passages."""
    encoder = embedded.encoder()
    built = build_index([Path(docs)], Path(folder), encoder)
    print(f"{built.n_passages} passages, {built.n_read} files read")
    index = open_index(Path(folder))
    find = FuseRanks((index.by_words(k=50), index.by_meaning(encoder, k=50)), k=50)
    (context,) = (find >> MergeDuplicates(k=3))([Query(question, "1")])
    for passage, score in zip(context.passages, context.scores, strict=True):
        print(f"{score:.4f}  {passage.id}\n    {passage.text[:100]}")


if __name__ == "__main__":
    main(*sys.argv[1:])

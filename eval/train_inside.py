"""Train what is shipped for the embedded model: the mixture of heads, and the explainer.

    python -m eval.train_inside --data ../shared/data --work DIR

The questions that `eval.context_attribution` can draw first are left out. What is measured so far
lies in the work folder; a second call goes on where the first one stopped.
"""

import argparse
from pathlib import Path

import ragattr
from eval.contexts import load
from eval.results import write_result
from ragattr.learn.attribution import train
from ragattr.learn.contexts import read_contexts
from ragattr.models import embedded
from ragattr.setup import answer_prompt

MODELS = Path(ragattr.__file__).parent / "models"
DATA = ("squad2_dev_extra", "xquad_en", "squad2_dev", "nq_oracle_silver")
MOST = 1000  # contexts, before those that are held out go
HELD_OUT = {"n20": 200, "n40": 100, "n90": 40, "hard": 100, "unanswerable": 40}  # cases of seed 0


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is done so far")
    parser.add_argument("-n", type=int, default=270, help="contexts")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    held_out = {
        case.question
        for kind, n in HELD_OUT.items()
        for case in load(options.data, kind, n=n, seed=0)
    }
    files = [options.data / "context_attribution" / f"{name}_train.jsonl" for name in DATA]
    drawn = read_contexts(files, n=MOST, seed=options.seed)
    contexts = [(c, answer) for c, answer in drawn if c.query.text not in held_out][: options.n]
    figures = {}
    for kind in ("heads", "explainer"):
        path, figures[kind] = train(
            kind,
            embedded.language_model(),
            answer_prompt(),
            embedded.encoder(),
            contexts,
            data=DATA,
            work=options.work,
            path=MODELS / f"{kind}.json",
            progress=lambda done: print(f"{done}/{len(contexts)}", flush=True),
        )
        print(path, figures[kind])
    print(write_result("train_inside", figures, seed=options.seed))


if __name__ == "__main__":
    main()

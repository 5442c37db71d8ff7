"""Context attribution: methods against exact ablation, against gold, and against the model.

    python -m eval.context_attribution --data ../shared/data --work DIR measure --plan n20:60:own
    python -m eval.context_attribution --data ../shared/data --work DIR method jsd-fast heads
    python -m eval.context_attribution --data ../shared/data --work DIR drops
    python -m eval.context_attribution --data ../shared/data --work DIR report

`measure` ablates every sentence of every case exactly, `method` runs methods on the measured
cases, `drops` takes away what each method ranks best, `report` writes the figures. Each case is a
line in a file of the work folder as soon as it is done; a second call goes on where the first one
stopped. A plan names a kind of `eval.contexts`, how many cases, and whose answer is measured: the
annotators' ("gold") or the model's ("own").
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eval.contexts import AttributionCase, gold_sources, load
from eval.figures import BESIDE, TOP, drop_name, report
from eval.noise_floor import in_dtype
from eval.read_once import ReadOnce
from eval.results import append_jsonl, read_jsonl
from ragattr.attribution.contextcite import AttributeContextCite
from ragattr.models import embedded
from ragattr.models.hf import HFModel
from ragattr.models.protocols import Reply
from ragattr.prompt import Chat, answer_chat
from ragattr.setup import METHODS, Setup, answer_prompt
from ragattr.stage import Stage
from ragattr.text.claims import read_claims
from ragattr.text.sentences import sources_of
from ragattr.types import Answer, Attribution, Context, Query

MAX_NEW_TOKENS = 48
KEY = ("kind", "id", "whose")
KEEP_RATES = (0.5, 0.9)
Row = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled JSON Lines")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is done so far")
    parser.add_argument("--seed", type=int, default=0)
    steps = parser.add_subparsers(dest="step", required=True)
    measure_step = steps.add_parser("measure")
    measure_step.add_argument("--plan", nargs="+", required=True, help="KIND:CASES:ANSWER")
    method_step = steps.add_parser("method")
    method_step.add_argument("names", nargs="+", help="contextcite:K is K ablations")
    method_step.add_argument("-n", type=int, default=10**6, help="cases of each kind at most")
    method_step.add_argument("--kinds", nargs="*", default=None)
    steps.add_parser("drops", help="log-probability without each method's best 1, 3 and 5")
    masks_step = steps.add_parser("masks", help="random masks, for LDS")
    masks_step.add_argument("-n", type=int, default=30, help="cases of each kind at most")
    masks_step.add_argument("--masks", type=int, default=16, help="at each keep rate")
    again_step = steps.add_parser("again", help="exact ablation once more, in float32")
    again_step.add_argument("-n", type=int, default=10, help="cases of each kind at most")
    curves_step = steps.add_parser("curves", help="insertion and deletion")
    curves_step.add_argument("-n", type=int, default=30, help="cases of each kind at most")
    steps.add_parser("report")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.data, options.work, options.seed)
    if options.step == "measure":
        for item in options.plan:
            kind, n_cases, whose = item.split(":")
            bench.measure(kind, int(n_cases), whose)
    elif options.step == "method":
        bench.run(options.names, options.n, options.kinds)
    elif options.step == "drops":
        bench.drops()
    elif options.step == "again":
        bench.again(options.n)
    elif options.step == "masks":
        bench.masks(options.n, options.masks)
    elif options.step == "curves":
        bench.curves(options.n)
    else:
        print(report(options.work, seed=options.seed))


class Bench:
    """The cases of a data folder, and what is known of them in a work folder."""

    def __init__(self, data: Path, work: Path, seed: int) -> None:
        self.data, self.work, self.seed = data, work, seed
        self.model: HFModel = ReadOnce.of(embedded.language_model())
        self._cases = dict[tuple[str, int], list[AttributionCase]]()

    def measure(self, kind: str, n_cases: int, whose: str) -> None:
        """Exact ablation of every sentence, and the figures that need the model alone."""
        path = self.work / "exact.jsonl"
        done = {_key(row) for row in _rows(path)}
        for case in load(self.data, kind, n=n_cases, seed=self.seed):
            if (kind, case.id, whose) in done:
                continue
            chat, reply = _chat(case), Reply(case.answer)
            if whose == "own":
                (reply,) = self.model.write([chat], max_new_tokens=MAX_NEW_TOKENS)
            if reply.text.strip():
                append_jsonl(path, self._exact(case, chat, reply, kind, whose))
                print(kind, case.id, whose, flush=True)

    def _exact(self, case: AttributionCase, chat: Chat, reply: Reply, kind: str, whose: str) -> Row:
        started = time.perf_counter()
        reading, sources = self.model.read(chat, reply), sources_of(case.passages)
        effects = reading.delete([*chat.removals(sources), chat.blocks])
        return {
            "kind": kind,
            "id": case.id,
            "whose": whose,
            "source": case.source,
            "reply": reply.text,
            "token_ids": reply.token_ids,
            "answer": case.answer,
            "gold": sorted(gold_sources(case, sources)),
            "exact": np.round(effects.jsd[:-1], 7).tolist(),
            "drops": np.round(effects.drops[:-1], 6).tolist(),
            "context": np.round(effects.jsd[-1], 7).tolist(),
            "context_drops": np.round(effects.drops[-1], 6).tolist(),
            "logprobs": np.round(reading.logprobs, 6).tolist(),
            "passes": reading.passes,
            "seconds": time.perf_counter() - started,
        }

    def run(self, names: Sequence[str], n: int, kinds: Sequence[str] | None) -> None:
        """Methods on the measured cases; those that only read share one reading."""
        done = {name: {_key(row) for row in _rows(self._path(name))} for name in names}
        stages = {name: _stage(name, self.model) for name in names if name != "jsd"}
        for row, case in self._measured(n, kinds):
            for name in names:
                if _key(row) in done[name]:
                    continue
                stage = stages.get(name)
                found = _exact_result(row) if stage is None else self._result(stage, case, row)
                append_jsonl(self._path(name), {**{name: row[name] for name in KEY}, **found})
                print(name, row["kind"], case.id, f"{found['passes']:.1f} passes", flush=True)

    def drops(self) -> None:
        """What the answer loses without the best 1, 3 and 5 sentences of each method."""
        path, methods = self.work / "drops.jsonl", self._methods()
        known = {_key(row): row["drops"] for row in _rows(path)}
        for row, case in self._measured(10**6, None):
            key = _key(row)
            wanted = {
                drop_name(method[key]["scores"], k)
                for method in methods.values()
                if key in method
                for k in TOP
            }
            missing = sorted(wanted - known.get(key, {}).keys())
            if not missing:
                continue
            removals = _chat(case).removals(sources_of(case.passages))
            gone = [_joined(removals, [int(i) for i in name.split()]) for name in missing]
            lost = self.model.read(_chat(case), _reply(row)).delete(gone).drops.sum(axis=1)
            drops = known.get(key, {}) | dict(zip(missing, np.round(lost, 6).tolist(), strict=True))
            append_jsonl(path, {**{name: row[name] for name in KEY}, "drops": drops})
            print("drops", row["kind"], case.id, len(missing), flush=True)

    def _path(self, name: str) -> Path:
        return self.work / f"{name.replace(':', '-')}.jsonl"

    def _methods(self) -> dict[str, dict[tuple[str, str, str], Row]]:
        return {
            path.stem: {_key(row): row for row in _rows(path)}
            for path in self.work.glob("*.jsonl")
            if path.stem not in BESIDE
        }

    def _result(self, stage: Stage[Answer, Attribution], case: AttributionCase, row: Row) -> Row:
        (found,) = stage([_answer(self.model, case, row)])
        if found.scores is None:
            raise SystemExit(f"{case.id}: {found.warnings}")
        groups = np.zeros(0) if found.group_scores is None else found.group_scores.sum(axis=1)
        return {
            "scores": np.round(found.scores.sum(axis=1), 7).tolist(),
            "groups": found.groups,
            "group_scores": np.round(groups, 7).tolist(),
            "verified": found.verified,
            "confidence": found.confidence,
            "passes": found.passes,
            "subset": asdict(found.subset) if found.subset else None,
        }

    def masks(self, n: int, n_masks: int) -> None:
        """Log-probabilities under fixed random masks, for linear datamodelling scores."""
        path = self.work / "masks.jsonl"
        done = {_key(row) for row in _rows(path)}
        for row, case in self._measured(n, None):
            if _key(row) in done:
                continue
            chat, sources = _chat(case), sources_of(case.passages)
            removals, reading = chat.removals(sources), self.model.read(chat, _reply(row))
            rng = np.random.default_rng([self.seed, len(sources)])
            masks, outputs = {}, {}
            for keep in KEEP_RATES:
                kept = rng.random((n_masks, len(sources))) < keep
                gone = [_joined(removals, np.flatnonzero(~mask)) for mask in kept]
                lost = reading.delete(gone).drops.sum(axis=1)
                masks[str(keep)] = kept.astype(int).tolist()
                outputs[str(keep)] = np.round(reading.logprobs.sum() - lost, 5).tolist()
            found = {"masks": masks, "outputs": outputs}
            append_jsonl(path, {**{name: row[name] for name in KEY}, **found})
            print("masks", row["kind"], case.id, flush=True)

    def again(self, n: int) -> None:
        """Exact ablation in another precision: how far the exact method is from itself."""
        path = self.work / "again.jsonl"
        done = {_key(row) for row in _rows(path)}
        model = in_dtype(self.model, "float32")
        for row, case in self._measured(n, None):
            if _key(row) in done:
                continue
            chat = _chat(case)
            effects = model.read(chat, _reply(row)).delete(chat.removals(sources_of(case.passages)))
            found = {"exact": np.round(effects.jsd, 7).tolist()}
            append_jsonl(path, {**{name: row[name] for name in KEY}, **found})
            print("again", row["kind"], case.id, flush=True)

    def curves(self, n: int) -> None:
        """Log-probabilities along each method's order: insertion and deletion."""
        path, methods = self.work / "curves.jsonl", self._methods()
        done = {_key(row) for row in _rows(path)}
        for row, case in self._measured(n, None):
            key = _key(row)
            if key in done:
                continue
            chat, sources = _chat(case), sources_of(case.passages)
            removals, reading = chat.removals(sources), self.model.read(chat, _reply(row))
            along = {
                name: _along(reading, removals, np.array(rows[key]["scores"]))
                for name, rows in methods.items()
                if key in rows
            }
            append_jsonl(path, {**{name: row[name] for name in KEY}, "curves": along})
            print("curves", row["kind"], case.id, flush=True)

    def _measured(
        self, n: int, kinds: Sequence[str] | None
    ) -> Iterator[tuple[Row, AttributionCase]]:
        """The first n measured cases of each kind, with what was measured."""
        seen, rows = dict[str, int](), _rows(self.work / "exact.jsonl")
        most = {
            kind: sum(row["kind"] == kind for row in rows) for kind in {r["kind"] for r in rows}
        }
        for row in rows:
            kind = row["kind"]
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] > n or (kinds is not None and kind not in kinds):
                continue
            yield row, self._case(kind, row["id"], most[kind])

    def _case(self, kind: str, id: str, n_cases: int) -> AttributionCase:
        """A case by its id: a plan's cases are the first ones of a longer plan."""
        for n in (n_cases, 2 * n_cases, 10 * n_cases):
            if (kind, n) not in self._cases:
                self._cases[kind, n] = load(self.data, kind, n=n, seed=self.seed)
            for case in self._cases[kind, n]:
                if case.id == id:
                    return case
        raise SystemExit(f"{kind} has no case {id} under seed {self.seed}")


def _rows(path: Path) -> list[Row]:
    return read_jsonl(path) if path.exists() else []


def _key(row: Row) -> tuple[str, str, str]:
    return row["kind"], row["id"], row["whose"]


def _chat(case: AttributionCase) -> Chat:
    return answer_chat(answer_prompt(), Context(Query(case.question, case.id), case.passages))


def _reply(row: Row) -> Reply:
    return Reply(row["reply"], tuple(row["token_ids"]) if row["token_ids"] else None)


def _answer(model: HFModel, case: AttributionCase, row: Row) -> Answer:
    claims, markers = read_claims(row["reply"], len(case.passages))
    reply = _reply(row)
    return Answer(
        context=Context(Query(case.question, case.id), case.passages),
        text=reply.text,
        claims=claims,
        markers=markers,
        token_ids=reply.token_ids,
        generator=model.card.name if reply.token_ids else None,
    )


def _exact_result(row: Row) -> Row:
    totals = np.array(row["exact"]).sum(axis=1)
    return {
        "scores": np.round(totals, 7).tolist(),
        "groups": [],
        "group_scores": [],
        "verified": list(range(len(totals))),
        "confidence": 1.0,
        "passes": row["passes"],
        "subset": None,
    }


def _stage(name: str, model: HFModel) -> Stage[Answer, Attribution]:
    method, _, n_ablations = name.partition(":")
    if n_ablations:
        return AttributeContextCite(model, answer_prompt(), n_ablations=int(n_ablations))
    return METHODS[method].make(Setup(model=model, method=method))


def _joined(removals: Sequence[Any], chosen: Any) -> tuple[Any, ...]:
    return tuple(span for i in chosen for span in removals[i])


def _along(reading: Any, removals: Sequence[Any], scores: Any) -> dict[str, list[float]]:
    """The answer's log-probability with the best tenths taken out, and with them alone."""
    order, full = np.argsort(-scores, kind="stable"), reading.logprobs.sum()
    cuts = sorted({round(len(order) * tenth / 10) for tenth in range(11)})
    out = reading.delete([_joined(removals, order[:cut]) for cut in cuts]).drops.sum(axis=1)
    into = reading.delete([_joined(removals, order[cut:]) for cut in cuts]).drops.sum(axis=1)
    return {
        "deletion": np.round(full - out, 5).tolist(),
        "insertion": np.round(full - into, 5).tolist(),
    }


if __name__ == "__main__":
    main()

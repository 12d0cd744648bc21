"""Who runs the network: crops and cameras go in as arrays, its answers come out as tensors on the CPU.

On a GPU it is torch with bfloat16; on the CPU OpenVINO where it is installed, which is several times as fast and says
the same to within a few thousandths of a degree, else torch. docs/regressor.md has the measurements.
"""

import ctypes
import importlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from skelvid.errors import ConfigError
from skelvid.regress.network import RegressNetwork
from skelvid.regress.output import Output

# `compiled` is torch with `torch.compile`; the endings say in which numbers it is calculated.
EngineName = Literal["auto", "torch", "compiled", "openvino", "openvino-bf16", "onnxruntime", "onnxruntime-int8"]
ENGINES: tuple[str, ...] = get_args(EngineName)
Engine = Callable[[UInt8[np.ndarray, "b 3 h w"], Float[np.ndarray, "b 3"]], Output]
STREAMS = 2
_TOLD = tuple(field.name for field in fields(Output))[:-1]


def make_engine(
    network: RegressNetwork,
    name: str = "auto",
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    cache: Path | None = None,
) -> Engine:
    """Return what runs a network.

    Args:
        network: Trained; its parts are not asked for.
        name: One of `ENGINES`.
        device: Where torch is to work; other engines know the CPU only.
        threads: How many threads engines other than torch may use; None = as they like.
        cache: Where OpenVINO's form of the network is kept, which takes seconds to make; a file ending in .xml.

    Raises:
        ConfigError: There is no such engine, it is not installed, or it cannot work there.
    """
    if name not in ENGINES:
        raise ConfigError(f"no engine is called '{name}'; known are {', '.join(ENGINES)}")
    on_cpu = torch.device(device).type == "cpu"
    if name == "auto":
        name = "openvino" if on_cpu and importlib.util.find_spec("openvino") else "torch"
    if name in ("torch", "compiled"):
        return _torch(network, torch.device(device), compiled=name == "compiled")
    if not on_cpu:
        raise ConfigError(f"{name} runs on the CPU only: choose the engine torch for {device}")
    flat, (kind, _, numbers) = _Flat(network.cpu().eval()), name.partition("-")
    if kind == "openvino":
        return _openvino(flat, numbers, threads, cache)
    return _onnxruntime(flat, numbers, threads)


class _Flat(nn.Module):
    """The network with tensors alone coming out of it, as other programs want it."""

    def __init__(self, network: RegressNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, camera: Tensor) -> tuple[Tensor, ...]:
        told = self.network(image, camera)
        return tuple(getattr(told, name) for name in _TOLD)

    def example(self) -> tuple[Tensor, Tensor]:
        return torch.zeros((2, 3, *self.network.backbone.size_hw), dtype=torch.uint8), torch.zeros((2, 3))

    def exported(self) -> Any:
        """Return its graph for any number of crops."""
        some = torch.export.Dim("b", min=1, max=4096)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about itself
            return torch.export.export(self, self.example(), dynamic_shapes=({0: some}, {0: some}))


def _torch(network: RegressNetwork, device: torch.device, *, compiled: bool) -> Engine:
    network = network.to(device).eval()
    ask: Callable[..., Output] = torch.compile(network) if compiled else network
    on_gpu = device.type == "cuda"

    @torch.inference_mode()
    def run(image: np.ndarray, camera: np.ndarray) -> Output:
        with torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext():
            told = ask(torch.from_numpy(image).to(device), torch.from_numpy(camera).to(device))
        return Output(*(getattr(told, name).cpu() for name in _TOLD))

    return run


def _openvino(flat: _Flat, numbers: str, threads: int | None, cache: Path | None) -> Engine:
    openvino: Any = _library("openvino")
    # Cores lose less when they do not wait for each other within every product.
    options = {"INFERENCE_PRECISION_HINT": numbers or "f32", "NUM_STREAMS": str(STREAMS)}
    if threads:
        options["INFERENCE_NUM_THREADS"] = str(threads)
    with _signal_stack_kept():
        if cache and cache.is_file():
            model = openvino.Core().read_model(cache)
        else:
            model = openvino.convert_model(flat.exported())
            if cache:
                with suppress(OSError):  # then it is made again next time
                    _keep(model, cache)
        compiled = openvino.Core().compile_model(model, "CPU", options)
    requests = [compiled.create_infer_request() for _ in range(STREAMS)]

    def run(image: np.ndarray, camera: np.ndarray) -> Output:
        asked = list(zip(requests, np.array_split(image, STREAMS), np.array_split(camera, STREAMS), strict=True))
        asked = [(request, given) for request, *given in asked if len(given[0])]
        for request, given in asked:
            request.start_async(given)
        for request, _ in asked:
            request.wait()
        told = [list(request.results.values()) for request, _ in asked]
        return Output(*(torch.from_numpy(np.concatenate(parts)) for parts in zip(*told, strict=True)))

    return run


class _SignalStack(ctypes.Structure):
    _fields_ = (("place", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def _signal_stack_kept() -> Generator[None]:
    """Give this thread back the stack on which it handles signals.

    OpenVINO's plug-in for the CPU (2026.4) sets one of 12 kB that does not stay valid. Python's handlers run on it, so
    that Ctrl-C would end in a segmentation fault.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    system, before = ctypes.CDLL(None), _SignalStack()
    system.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        system.sigaltstack(ctypes.byref(before), None)


def _keep(model: Any, path: Path) -> None:
    """Write a model of OpenVINO; its names come last, so that nobody reads half of it."""
    with TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        _library("openvino").save_model(model, made, compress_to_fp16=False)
        for file in (made.with_suffix(".bin"), made):
            file.replace(path.with_suffix(file.suffix))


def _onnxruntime(flat: _Flat, numbers: str, threads: int | None) -> Engine:
    runtime: Any = _library("onnxruntime")
    for needed in ("onnx", "onnxscript"):
        _library(needed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about itself
        program: Any = torch.onnx.export(
            flat.exported(), dynamo=True, verbose=False, input_names=["image", "camera"], output_names=list(_TOLD)
        )
    file = io.BytesIO()
    program.save(file)
    model: Any = file.getvalue()
    if numbers == "int8":
        model = _in_bytes(model)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(image: np.ndarray, camera: np.ndarray) -> Output:
        given = dict(zip(names, (image, camera), strict=True))
        return Output(*(torch.from_numpy(value) for value in session.run(None, given)))

    return run


def _in_bytes(model: bytes) -> bytes:
    """Return a model that multiplies matrices of bytes: scales of what flows are found on the way."""
    onnx: Any = _library("onnx")
    quantize: Any = importlib.import_module("onnxruntime.quantization").quantize_dynamic
    with TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        quantize(onnx.load_from_string(model), path, op_types_to_quantize=["MatMul", "Gemm"])
        return Path(path).read_bytes()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        extra = "openvino" if name == "openvino" else "onnx"
        raise ConfigError(f"{name} cannot be imported ({error}): pip install 'skelvid[{extra}]'") from error

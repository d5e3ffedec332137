"""The session in which every contestant runs the graph."""

import onnxruntime

CUDA = "CUDAExecutionProvider"
# As the service has it: an exhaustive search would be repeated for every new size of a batch, and
# TensorFloat-32 is not float32.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": (CUDA, {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}),
}
"""By device."""


def open_graph(path: str, threads: int, device: str = "cpu") -> onnxruntime.InferenceSession:
    """The same session options for everyone; refuses to run on another device than asked for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device == "cuda":
        if CUDA not in onnxruntime.get_available_providers():
            raise RuntimeError("this ONNX Runtime has no CUDA: install onnxruntime-gpu")
        onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(path, options, providers=[PROVIDERS[device]])
    if device == "cuda" and CUDA not in session.get_providers():
        raise RuntimeError(f"asked for CUDA, the graph runs on {session.get_providers()}")
    session.disable_fallback()  # a run that fails on the GPU is not one on the CPU
    return session

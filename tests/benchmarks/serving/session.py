"""The session in which every contestant runs the graph."""

import onnxruntime


def open_graph(path: str, threads: int) -> onnxruntime.InferenceSession:
    """The same session options for everyone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

"""Pickles as an attacker writes them: calls of anything, and opcodes one by one."""

import io
import pickle
import shlex
import struct

import torch


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def text(value):
    content = str(value).encode()
    return b"X" + struct.pack("<I", len(content)) + content


def stack_global(module, name):
    return text(module) + text(name) + b"\x93"


def program(*parts):
    """A pickle of protocol 4 from opcodes written out."""
    return b"\x80\x04" + b"".join(parts) + b"."


def touch(sentinel):
    return f"touch {shlex.quote(str(sentinel))}"


def torch_saved(value, legacy=True):
    content = io.BytesIO()
    torch.save(value, content, _use_new_zipfile_serialization=not legacy)
    return content.getvalue()


def in_tensor(content):
    return pickle.dumps({"G_ema": Calls(torch.storage._load_from_bytes, content)})


def torch_saved_storage():
    values = torch.zeros(4)
    storage = torch.storage.TypedStorage(
        wrap_storage=values.untyped_storage(), dtype=values.dtype, _internal=True
    )
    return torch_saved(storage)

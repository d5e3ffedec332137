"""What is no data is refused, and what is more than a file can hold."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import pytest
import torch

from tests.train.checkpoints.official_files import generator_weights, nvidia_pickle
from tests.train.checkpoints.pickle_programs import (
    Calls,
    in_tensor,
    program,
    stack_global,
    text,
    torch_saved,
    torch_saved_storage,
)
from train.checkpoints.nvidia import lay_flat
from train.checkpoints.refusal import CheckpointError
from train.checkpoints.safe_unpickler import PersistentObject, read_pickle
from train.checkpoints.stylegan_file import read_checkpoint

REFUSED = {
    "PERSID": (b"\x80\x03P0\n.", "the opcode PERSID"),
    "BINPERSID": (program(text("storage"), b"Q"), "the opcode BINPERSID"),
    "EXT2": (program(b"\x83\xf0\x00"), "the opcode EXT2"),
    "EXT4": (program(b"\x84\xf0\x00\x00\x00"), "the opcode EXT4"),
    "NEWOBJ_EX": (program(stack_global("dnnlib.util", "EasyDict"), b")}\x92"), "NEWOBJ_EX"),
    "an unknown opcode": (program(b"\xff"), "the opcode 0xff"),
    "BUILD on an instance": (
        program(stack_global("collections", "OrderedDict"), b")R", b"}", text("a"), b"Nsb"),
        r"sets attributes of a PlainOrderedDict \(BUILD\)",
    ),
    "BUILD on a class": (
        program(stack_global("dnnlib.util", "EasyDict"), b"N}", text("__len__"), b"Ns\x86b"),
        r"sets attributes of a type \(BUILD\)",
    ),
    "BUILD on a function": (
        program(
            stack_global("torch_utils.persistence", "_reconstruct_persistent_obj"),
            b"N}" + text("__defaults__") + b")s\x86b",
        ),
        r"sets attributes of a function \(BUILD\)",
    ),
    "NEWOBJ of a set": (program(stack_global("builtins", "set"), b")\x81"), "NEWOBJ"),
    "an allowed name by a detour": (
        program(stack_global("torch", "storage._load_from_bytes")),
        r"asks for torch\.storage\._load_from_bytes",
    ),
    "a method of an allowed name": (
        program(stack_global("dnnlib.util", "EasyDict.__init__")), "EasyDict.__init__"
    ),
    "a network of TensorFlow": (
        program(stack_global("dnnlib.tflib.network", "Network")), "a TensorFlow checkpoint"
    ),
    "a key that takes for ever to hash": (
        program(b"})\x94h\x00\x86Ns"), "a tuple for a key"
    ),
    "a member that takes for ever to hash": (program(b"\x8f()\x90"), "a tuple for a key"),
    "an object without a state": (
        program(stack_global("torch_utils.persistence", "_reconstruct_persistent_obj"), b"}\x85R"),
        "without a state",
    ),
    "a storage of no bytes": (
        program(stack_global("torch.storage", "_load_from_bytes"), b"N\x85R"), "not bytes"
    ),
    "something else than a storage": (
        in_tensor(torch_saved({"a": 1})), "holds a dict in the bytes of a tensor"
    ),
    "a tensor without a storage": (
        program(stack_global("torch._utils", "_rebuild_tensor_v2"), b"(NK\x00))\x89NtR"),
        "a tensor that is not one",
    ),
    "a parameter without a tensor": (
        program(stack_global("torch._utils", "_rebuild_parameter"), b"N\x89}\x87R"),
        "a parameter without a tensor",
    ),
    "a huge string": (program(b"\x8d" + struct.pack("<Q", 2**62) + b"abc"), "not a whole pickle"),
    "huge bytes": (program(b"\x8e" + struct.pack("<Q", 2**62) + b"abc"), "not a whole pickle"),
    "bytes beyond memory": (program(b"\x8e" + b"\xff" * 8 + b"abc"), "not a whole pickle"),
    "a huge number": (program(b"\x8b" + struct.pack("<i", 2**31 - 1) + b"a"), "not a whole pickle"),
    "a huge frame": (program(b"\x95" + struct.pack("<Q", 2**62)), "not a whole pickle"),
    "a bytearray": (program(b"\x96" + struct.pack("<Q", 2**40)), "the opcode BYTEARRAY8"),
    "a huge memo": (program(b"Nr\xff\xff\xff\xff"), "no network G_ema"),
    "an empty pickle": (b"\x80\x04.", "not a whole pickle"),
    "a zip of nothing": (b"PK\x03\x04" + bytes(40), "not a whole file of torch.save"),
}  # fmt: skip


@pytest.mark.parametrize("attempt", REFUSED)
def test_what_is_no_data_is_refused_with_what_was_found(attempt):
    content, said = REFUSED[attempt]
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=said):
            read_checkpoint(content)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_an_empty_state_as_older_pythons_write_it_sets_nothing():
    made = read_pickle(program(stack_global("dnnlib.util", "EasyDict"), b")\x81}b"))
    assert made == {} and isinstance(made, dict)


def test_a_file_cut_anywhere_is_refused():
    content = nvidia_pickle(generator_weights(16))
    for end in range(2, len(content) - 1, len(content) // 150):
        with pytest.raises(CheckpointError):
            read_checkpoint(content[:end])


@pytest.mark.parametrize(
    ("size", "stride"), [((2**40,), (0,)), ((5,), (1,)), ((2, 2), (4, 1)), ((-1,), (1,))]
)
def test_a_tensor_beyond_its_storage_is_refused(size, stride):
    storage = Calls(torch.storage._load_from_bytes, torch_saved_storage())
    content = pickle.dumps(
        Calls(torch._utils._rebuild_tensor_v2, storage, 0, size, stride, False, {})
    )
    with pytest.raises(CheckpointError, match="in a storage of 4 numbers"):
        read_pickle(content)


def test_a_storage_that_declares_more_than_it_holds_is_refused():
    content = torch_saved_storage()
    huge = content.replace(b"K\x04N", b"\x8a\x07\x00\x00\x00\x00\x00\x00\x01N")
    assert huge != content
    with pytest.raises(CheckpointError, match="in the bytes of a tensor"):
        read_checkpoint(in_tensor(huge))


def test_a_stride_of_nothing_in_a_torch_file_is_refused():
    with pytest.raises(CheckpointError, match=r"has g_ema\.input\.input, which is no whole tensor"):
        read_checkpoint(
            torch_saved({"g_ema": {"input.input": torch.zeros(1).expand(1, 2**40, 4, 4)}}, False)
        )


def test_a_zip_that_grows_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**20))
    with pytest.raises(CheckpointError, match="is a zip that grows"):
        read_checkpoint(packed.getvalue())


def test_modules_in_a_circle_are_refused():
    module = PersistentObject("Generator", {"_modules": {}})
    module.state["_modules"]["again"] = module
    with pytest.raises(CheckpointError, match=r"in a circle at again\."):
        lay_flat(module)
    twice = PersistentObject("Layer", {})
    with pytest.raises(CheckpointError, match=r"in a circle at second\."):
        lay_flat(PersistentObject("Generator", {"_modules": {"first": twice, "second": twice}}))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"_parameters": {"weight": 1.0}}, "has weight, which is no tensor"),
        ({"_modules": {"layer": {}}}, "has layer, which is no persistent module"),
        ({"_buffers": [1]}, "has _buffers, which is no dictionary"),
    ],
)
def test_modules_of_something_else_are_refused(state, said):
    with pytest.raises(CheckpointError, match=said):
        lay_flat(PersistentObject("Generator", state))

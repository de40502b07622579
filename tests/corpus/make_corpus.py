"""Makes the files beside it that tests/loaders.rs loads: one for each way a file can be wrong, and a few odd but right ones.

    pip install -r ../fixtures/requirements.txt
    python make_corpus.py

`expected.json` says of each what Étude says: a part of its message, or null where the file is right. A file that a fuzzer or a user
found may be added by hand, with a line there or without; every file is loaded.
"""

import argparse
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
EXPECTED = {}


def put(name, data, expected):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    EXPECTED[name] = expected


# .safetensors: eight bytes of length, a JSON header, data.


def tensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def make_safetensors():
    def bad(name, data, expected="not a complete safetensors file"):
        put(f"weights/{name}.safetensors", data, expected)

    good = tensors({"a": tensor()}, b"\0" * 8)
    bad("right", good, None)
    bad("empty", b"", "of 0 bytes")
    bad("seven_bytes", b"\0" * 7)
    bad("cut_in_header", good[:30])
    bad("cut_in_data", good[:-1])
    bad("more_than_announced", good + b"\0")
    bad("header_of_2_to_the_63_bytes", struct.pack("<Q", 1 << 63) + b"{}")
    bad("header_of_90_megabytes_announced", struct.pack("<Q", 90_000_000) + b"{}")
    bad("header_no_json", tensors(b"{" * 40))
    bad("header_no_utf8", tensors(b'{"\xff":1}'))
    bad("header_a_list", tensors([1, 2]))
    bad("header_deep", tensors(b'{"a":' + b"[" * 5000))
    bad("no_tensors", tensors({}), None)
    bad("overlap", tensors({"a": tensor(), "b": tensor(offsets=(4, 12))}, b"\0" * 12))
    bad("gap", tensors({"a": tensor(), "b": tensor(offsets=(12, 20))}, b"\0" * 20))
    bad("backwards", tensors({"a": tensor(offsets=(8, 0))}, b"\0" * 8))
    bad("offsets_beyond_u64", tensors(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}', b"\0" * 8))
    bad("shape_overflows", tensors({"a": tensor(shape=(1 << 40, 1 << 40))}, b"\0" * 8))
    bad("shape_negative", tensors({"a": tensor(shape=(-2,))}, b"\0" * 8))
    bad("shape_of_other_size", tensors({"a": tensor(shape=(3,))}, b"\0" * 8))
    bad("shape_with_zero", tensors({"a": tensor(shape=(0, 1 << 40), offsets=(0, 0))}), None)
    bad("dtype_unknown", tensors({"a": tensor(dtype="F31")}, b"\0" * 8))
    bad("dtype_complex", tensors({"a": tensor(dtype="C64", shape=(1,))}, b"\0" * 8), None)
    bad("dtype_of_four_bits", tensors({"a": tensor(dtype="F4", shape=(16,))}, b"\0" * 8), None)
    bad("dtype_of_half_a_byte", tensors({"a": tensor(dtype="F4", shape=(1,), offsets=(0, 0))}))
    bad("twice_the_same_name", tensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"12"))
    bad("name_with_line_breaks", tensors({"a\nb\r\n": tensor(offsets=(4, 12))}, b"\0" * 12))
    bad("lfs_pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull")
    bad("html", b"<!DOCTYPE html><html><body>404</body></html>")


# .bin: torch.save's zip.


def saved(obj, **options):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **options)
    return buffer.getvalue()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(files, compression=zipfile.ZIP_STORED, zip64=False):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)  # of 1980, so that the same files come out every time
            info.compress_type = compression
            with archive.open(info, "w", force_zip64=zip64) as f:
                f.write(data)
    return buffer.getvalue()


def checkpoint(pickled, storages=(b"\0" * 24,), **rest):
    return zipped({"a/data.pkl": pickled} | {f"a/data/{i}": s for i, s in enumerate(storages)} | rest)


class Ask:
    """Pickles as a call of a global with arguments, whatever it is."""

    def __init__(self, module, name, arguments=()):
        self.module, self.name, self.arguments = module, name, arguments


class Pickler(pickle._Pickler):
    """Writes Ask as GLOBAL and REDUCE, and torch's persistent ids."""

    def save_global_by_name(self, module, name):
        self.write(b"c" + module.encode() + b"\n" + name.encode() + b"\n")

    def save(self, obj, *args, **kwargs):
        if isinstance(obj, Ask):
            self.save_global_by_name(obj.module, obj.name)
            if obj.arguments is not None:
                self.save(tuple(obj.arguments))
                self.write(b"R")
        elif isinstance(obj, Storage):
            self.save(("storage", Ask("torch", obj.kind, None), obj.key, "cpu", obj.length))
            self.write(b"Q")
        else:
            super().save(obj, *args, **kwargs)


class Storage:
    def __init__(self, kind="FloatStorage", key="0", length=6):
        self.kind, self.key, self.length = kind, key, length


def pickled(obj):
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(obj)
    return buffer.getvalue()


def rebuilt(storage=None, offset=0, shape=(2, 3), stride=(3, 1)):
    hooks = Ask("collections", "OrderedDict")
    return Ask("torch._utils", "_rebuild_tensor_v2", (storage or Storage(), offset, shape, stride, False, hooks))


def views():
    """Everything a state dict's tensors can be: types, offsets, strides, shared storages, scalars, nothing at all."""
    base = torch.arange(24, dtype=torch.float32) * 0.5 - 3
    block = base.reshape(2, 3, 4)
    weights = OrderedDict(
        plain=block.clone(), transposed=block.permute(2, 0, 1), offset=base[5:11], strided=base[1::5], inner=block[:, 1:, ::2],
        channels_last=torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        scalar=torch.tensor(2.5), none=torch.zeros(0, 4), one=base.reshape(24, 1, 1)[:1].transpose(0, 2), tied=base,
    )  # fmt: skip
    weights |= {f"half.{i}": base[i:].to(torch.float16)[::2] for i in range(2)}
    weights["bfloat"] = (base * 1.01).to(torch.bfloat16).reshape(4, 6).T
    weights["double"] = base.double() / 3
    for name, dtype in dict(long=torch.int64, int=torch.int32, short=torch.int16, char=torch.int8, byte=torch.uint8).items():
        weights[name] = (torch.arange(6) * 7 % 11).to(dtype).reshape(2, 3).T
    weights["bool"] = torch.tensor([True, False])
    return weights


class Trainer:
    """A class that only the code which saved the checkpoint knows."""

    def __init__(self):
        self.rate, self.names = 1e-4, {"a", "b"}


def make_training_states(put_bin, small, good):
    """What lies in checkpoints beside the weights: optimisers, counters, options, random generators, classes of anybody's."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    net(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    Trainer.__module__ = "somebody.trainer"
    sys.modules["somebody"] = sys.modules["somebody.trainer"] = sys.modules[__name__]
    options = argparse.Namespace(lr=1e-4, layers=[1, 2], name="x", path=pathlib.PurePosixPath("a/b"))
    state = dict(state_dict=net.state_dict(), optimizer=optimizer.state_dict(), schedule=schedule.state_dict(), args=options, epoch=3,
                 loss=0.25, best=None, done=True, rng=torch.get_rng_state(), long=1 << 90, trainer=Trainer(), words=("a", b"b", {1, 2}))  # fmt: skip
    # Which torch itself does not load: its storages are lines of text.
    put_bin("training_protocol_0", saved(state, pickle_protocol=0), "opcode 0x50")
    for protocol in (1, 2, 4):
        put_bin(f"training_protocol_{protocol}", saved(state, pickle_protocol=protocol), None)
    put_bin("training_old_format", saved(state, _use_new_zipfile_serialization=False), None)
    put_bin("training_list", saved([net.state_dict(), optimizer.state_dict(), 1, 2, net.state_dict()]), None)
    put_bin("whole_module", saved(net), None)
    put_bin("whole_module_old_format", saved(net, _use_new_zipfile_serialization=False), None)
    put_bin("parameters", saved({k: torch.nn.Parameter(v) for k, v in small.items()}), None)
    put_bin("list_without_tensors", checkpoint(pickled([{}, {}, 1, 2.5, None, "a", (1, 2)])), "a list of 7 entries: an empty dict, an empty dict, 1, 2.5, None")
    put_bin("only_a_class", saved(options), "asks for argparse.Namespace, which is refused")
    old = saved(small, _use_new_zipfile_serialization=False)
    put_bin("old_cut_in_pickle", old[:60], "breaks off")
    put_bin("old_cut_in_numbers", old[:-3], "in the numbers of storage")
    put_bin("old_without_numbers", old[:-32], "in the numbers of storage")
    put_bin("old_magic_alone", old[:15], "breaks off")
    put_bin("old_number_of_2_to_the_63", old[:-32] + struct.pack("<Q", 1 << 63) + old[-24:], "in the numbers of storage")
    put_bin("old_big_endian", old.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89"), "big-endian")
    # One list of pairs, made a dict of again and again; one tuple of arguments, reduced again and again.
    pair = b"X\1\0\0\0aK\1\x86"
    again = b"ccollections\nOrderedDict\nq\1]q\0(" + pair * 20_000 + b"e0" + b"h\1h\0\x85R0" * 20_000 + b"}."
    put_bin("pickle_copies", checkpoint(again), "makes no sense")
    put_bin("pickle_dicts_in_dicts", checkpoint(b"}" + b"X\1\0\0\0a}" * 20_000 + b"s" * 20_000 + b"."), "its entry a is no tensor")
    put_bin("pickle_object_alone", checkpoint(b"csomebody\nThing\n)\x81}X\1\0\0\0aK\1sb."), "asks for somebody.Thing")


def make_bin():
    def put_bin(name, data, expected):
        put(f"weights/{name}.bin", data, expected)

    weights = views()
    put_bin("views", saved(weights), None)
    save_file({k: v.contiguous().clone() for k, v in weights.items()}, HERE / "weights/views.safetensors")
    EXPECTED["weights/views.safetensors"] = None
    small = OrderedDict(a=torch.arange(6.0).reshape(2, 3))
    put_bin("protocol_4", saved(small, pickle_protocol=4), None)
    put_bin("plain_dict", saved(dict(small)), None)
    put_bin("module", saved(torch.nn.Linear(2, 2).state_dict()), None)  # has _metadata
    put_bin("no_tensors", saved(OrderedDict()), None)
    put_bin("zip64", zipped(members(saved(small)), zip64=True), None)
    put_bin("folder_of_no_name", zipped({k.split("/", 1)[1]: v for k, v in members(saved(small)).items()}), None)
    put_bin("by_hand", checkpoint(pickled({"a": rebuilt()})), None)

    good = saved(small)
    put_bin("empty", b"", "not a PyTorch checkpoint")
    put_bin("text", b"hello", "not a PyTorch checkpoint")
    put_bin("four_bytes", b"PK\3\4", "not a complete PyTorch checkpoint")
    put_bin("cut", good[: len(good) // 2], "not a complete PyTorch checkpoint")
    put_bin("old_format", saved(small, _use_new_zipfile_serialization=False), None)
    put_bin("compressed", zipped(members(good), zipfile.ZIP_DEFLATED), "is compressed")
    put_bin("no_pickle", zipped({"a/readme": b"x"}), "without data.pkl")
    put_bin("big_endian", checkpoint(pickled({"a": rebuilt()}), **{"a/byteorder": b"big"}), "big-endian")
    put_bin("numbers_missing", checkpoint(pickled({"a": rebuilt()}), ()), "tensor a: its numbers are missing")
    put_bin("numbers_cut", checkpoint(pickled({"a": rebuilt()}), (b"\0" * 20,)), "expected a storage of 6 numbers, got 5")
    for name, tensor in dict(
        offset=rebuilt(offset=1), shape=rebuilt(shape=(3, 3)), stride=rebuilt(stride=(4, 1)), repeated=rebuilt(shape=(9, 9), stride=(0, 0)),
        offset_of_2_to_the_62=rebuilt(offset=1 << 62), shape_overflows=rebuilt(shape=(1 << 40, 1 << 40)),
        stride_overflows=rebuilt(stride=(1 << 62, 1 << 62)),
    ).items():  # fmt: skip
        put_bin(f"outside_{name}", checkpoint(pickled({"a": tensor})), "leaves its storage")
    put_bin("stride_of_one_row_is_free", checkpoint(pickled({"a": rebuilt(shape=(1, 3, 1), stride=(1 << 62, 2, 1 << 62))})), None)
    put_bin("negative_shape", checkpoint(pickled({"a": rebuilt(shape=(-2, 3))})), "makes no sense")
    put_bin("negative_offset", checkpoint(pickled({"a": rebuilt(offset=-1)})), "makes no sense")
    put_bin("more_strides_than_sides", checkpoint(pickled({"a": rebuilt(stride=(1, 1, 1))})), "makes no sense")
    put_bin("nine_sides", checkpoint(pickled({"a": rebuilt(shape=(1,) * 9, stride=(1,) * 9)})), "of 9 dimensions")
    put_bin("float_shape", checkpoint(pickled({"a": rebuilt(shape=(2.0, 3))})), "makes no sense")
    shared = {f"{i}": rebuilt(Storage(length=512), shape=(512,), stride=(1,)) for i in range(64)}
    put_bin("overlap", checkpoint(pickled(shared), (b"\0" * 2048,)), "overlap so much")
    for kind in ["ComplexFloatStorage", "QUInt8Storage", "UntypedStorage"]:
        put_bin(f"kind_{kind.lower()}", checkpoint(pickled({"a": rebuilt(Storage(kind))})), f"asks for torch.{kind}")
    for module, name in [("os", "system"), ("builtins", "eval"), ("torch._utils", "_rebuild_parameter"), ("torch", "Size")]:
        ask = Ask(module, name, ("true",))
        put_bin(f"asks_{name.strip('_')}", checkpoint(pickled({"a": ask})), f"asks for {module}.{name}, which is refused")
    # Where there are tensors as well, a class that holds data is passed over; what runs things is refused all the same.
    put_bin("asks_size_beside_a_tensor", checkpoint(pickled({"a": rebuilt(), "b": Ask("torch", "Size", ((2, 3),))})), None)
    put_bin("asks_system_beside_a_tensor", checkpoint(pickled({"a": rebuilt(), "b": Ask("os", "system", ("true",))})), "asks for os.system, which is refused")
    put_bin("asks_getattr", checkpoint(pickled({"a": rebuilt(), "b": Ask("builtins", "getattr", ("a", "b"))})), "asks for builtins.getattr")
    put_bin("asks_line_break", checkpoint(b"\x80\x02\x8c\x03o\ns\x8c\x03a\rb\x93."), "asks for o s.a b, which is refused")
    put_bin("ordered_dict_of_something", checkpoint(pickled(Ask("collections", "OrderedDict", ([],)))), None)
    put_bin("training_state", saved({"epoch": 3, "state_dict": small}), None)
    make_training_states(put_bin, small, good)
    put_bin("a_tensor_alone", saved(torch.zeros(2)), "no dict of names and tensors")
    put_bin("number_for_a_name", checkpoint(pickled({3: rebuilt()})), None)
    put_bin("long_name", checkpoint(pickled({"n" * 300: rebuilt()})), "a name of 300 bytes")
    for name, ops in dict(empty=b"", long_of_nine=b"\x8a\x09" + b"\1" * 9, cut=pickled({"a": rebuilt()})[:-5], no_stop=b"\x80\x02N", text_beyond=b"X\xff\xff\xff\xffa", text_of_2_to_the_64=b"\x8d" + b"\xff" * 8).items():
        put_bin(f"pickle_{name}", checkpoint(ops), "breaks off")
    for name, ops in dict(
        pops_too_much=b"tttt", no_mark=b"Nu.", odd_items=b"}(Nu.", memo_unknown=b"h\x07.", put_nothing=b"q\0.", text_no_utf8=b"X\1\0\0\0\xff.",
        line_without_end=b"cos", reduce_number=b"K\1)R.", persistent_number=b"K\1Q.",
        build_number=b"K\1Nb.", mark_above=b"NN(\x86t.", marks_cut=b"N(\x85)u.",
    ).items():  # fmt: skip
        put_bin(f"pickle_{name}", checkpoint(ops), "makes no sense")
    put_bin("pickle_opcode", checkpoint(b"\x80\x02}\x81."), "opcode 0x81 at byte 3")
    put_bin("pickle_unknown_opcode", checkpoint(b"\x80\x02}\xff."), "opcode 0xff at byte 3")
    put_bin("pickle_deep", checkpoint(b")" + b"\x85" * 20_000 + b"."), "no dict")
    put_bin("pickle_long", zipped({"a/data.pkl": b"." * ((2 << 20) + 1)}, zipfile.ZIP_DEFLATED), "is compressed")
    # A dict that holds itself, and pairs of pairs of pairs: small to write, endless to walk.
    put_bin("pickle_holds_itself", checkpoint(b"}q\0X\1\0\0\0ah\0s."), "its entry a is no tensor")
    put_bin("pickle_pairs", checkpoint(b"}X\1\0\0\0a)" + b"q\0h\0\x86" * 200 + b"s."), "its entry a is no tensor")
    no_directory = good[: good.rindex(b"PK\1\2")] + good[good.rindex(b"PK\5\6") :]
    put_bin("zip_without_last_member", no_directory, "so it is damaged")


# config.json, scheduler_config.json


def make_configs():
    def config(name, text, expected):
        put(f"config/{name}.json", text.encode() if isinstance(text, str) else json.dumps(text).encode(), expected)

    blocks = {"down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"], "block_out_channels": [32]}
    config("right", blocks, None)
    config("defaults", {}, None)
    config("empty", "", "not valid JSON")
    config("cut", '{"in_channels": 3', "not valid JSON")
    config("list", [], "expected a JSON object")
    config("deep", "[" * 2000, "not valid JSON")
    config("nan", '{"norm_eps": NaN}', "norm_eps: expected a number, got NaN")
    config("number_beyond_f64", '{"norm_eps": 1e999}', "norm_eps: expected a number, got a number beyond 1.8e308")
    config("number_beyond_f32", {"norm_eps": 1e300}, "norm_eps: expected a number, got 1e")
    config("nan_text", {"norm_eps": "NaN"}, 'norm_eps: expected a number, got "NaN"')
    config("eps_negative", {"norm_eps": -1}, "norm_eps: expected a number of 0 or more")
    config("class", {"_class_name": "UNet2DConditionModel"}, "_class_name: expected one of UNet2DModel")
    config("block_type", blocks | {"down_block_types": ["CrossAttnDownBlock2D"]}, "down_block_types: expected each of DownBlock2D")
    config("block_type_number", blocks | {"up_block_types": [7]}, "up_block_types: expected each of")
    config("block_types_too_few", blocks | {"block_out_channels": [32, 64]}, "down_block_types: expected 2 entries")
    config("no_levels", blocks | {"block_out_channels": []}, "block_out_channels: expected a list of 1 to 10")
    config("eleven_levels", blocks | {"block_out_channels": [32] * 11}, "block_out_channels: expected a list of 1 to 10")
    for name, value in {"zero": 0, "negative": -32, "huge": 1 << 32, "text": "32", "null": None}.items():
        config(f"channels_{name}", blocks | {"block_out_channels": [value]}, "block_out_channels: expected whole numbers")
        expected = "in_channels: expected a " + ("value, or no such key" if value is None else "whole number from 1")
        config(f"in_channels_{name}", blocks | {"in_channels": value}, expected)
    config("one_channel", blocks | {"block_out_channels": [1], "norm_num_groups": 1, "add_attention": False}, "a first level of 2 channels or more")
    config("groups", blocks | {"norm_num_groups": 5}, "norm_num_groups: expected a divisor")
    config("head_dim", blocks | {"attention_head_dim": 64}, "attention_head_dim: expected at most the 32")
    config("attention_groups", blocks | {"attn_norm_num_groups": 5}, "attn_norm_num_groups: expected a divisor")
    config("freq_shift", blocks | {"freq_shift": 16}, "freq_shift: expected a number below 16")
    config("mid_factor", blocks | {"mid_block_scale_factor": 0}, "mid_block_scale_factor: expected a number other than 0")
    config("mid_factor_tiny", blocks | {"mid_block_scale_factor": 1e-30}, "mid_block_scale_factor: expected a number other than 0")
    config("no_mid_block", blocks | {"mid_block_type": None}, None)
    config("sample_size_pair", blocks | {"sample_size": [32, 48]}, None)
    config("sample_size_three", blocks | {"sample_size": [1, 2, 3]}, "sample_size: expected")
    config("sample_size_zero", blocks | {"sample_size": 0}, "sample_size: expected")
    config("layers_huge", blocks | {"layers_per_block": 1_000_000}, "layers_per_block: expected a whole number from 1 to 64")
    config("classes", blocks | {"num_class_embeds": 10}, None)
    config("no_classes", blocks | {"num_class_embeds": 0}, "num_class_embeds: expected a whole number from 1")
    config("classes_by_time", blocks | {"class_embed_type": "timestep"}, "class_embed_type: expected null")
    config("resnet_sides", blocks | {"down_block_types": ["ResnetDownsampleBlock2D"], "upsample_type": "resnet"}, None)
    config("sides_by_what", blocks | {"downsample_type": "pool"}, "downsample_type: expected one of conv, resnet")
    config("activation", blocks | {"act_fn": "softmax"}, "act_fn: expected one of")
    config("time_embedding", blocks | {"time_embedding_type": "fourier"}, "time_embedding_type: expected one of positional")
    config("long_value", blocks | {"act_fn": "x" * 2000}, "…")
    config("value_with_line_break", blocks | {"act_fn": "a\nb"}, "act_fn")

    def scheduler(name, text, expected):
        put(f"scheduler/{name}.json", text.encode() if isinstance(text, str) else json.dumps(text).encode(), expected)

    scheduler("right", {"beta_schedule": "squaredcos_cap_v2", "clip_sample": False, "unknown": [1]}, None)
    scheduler("empty", "", "not valid JSON")
    scheduler("list", [], "expected a JSON object")
    scheduler("steps_zero", {"num_train_timesteps": 0}, "num_train_timesteps: expected")
    scheduler("steps_huge", {"num_train_timesteps": 10**9}, "num_train_timesteps: expected")
    scheduler("beta_zero", {"beta_start": 0}, "beta_start: expected")
    scheduler("beta_two", {"beta_end": 2}, "beta_end: expected")
    scheduler("betas_short", {"trained_betas": [0.1]}, "trained_betas: expected 1000 numbers")
    scheduler("betas_text", {"trained_betas": ["a"]}, "trained_betas: expected a list of numbers")
    scheduler("class", {"_class_name": "ScoreSdeVeScheduler"}, "_class_name: expected one of")
    scheduler("prediction", {"prediction_type": "flow"}, "prediction_type: expected one of")
    scheduler("learned_variance", {"variance_type": "learned_range"}, None)
    scheduler("threshold_ratio", {"thresholding": True, "dynamic_thresholding_ratio": 2}, "dynamic_thresholding_ratio: expected")
    scheduler("clip_range_negative", {"clip_sample_range": -1}, "clip_sample_range: expected")


# Pictures, for read_recipe.


def make_pictures():
    from PIL import Image, PngImagePlugin

    def image(name, expected, kind="PNG", text=None):
        buffer = io.BytesIO()
        info = PngImagePlugin.PngInfo()
        if text is not None:
            info.add_itxt("etude", text)
        options = {"pnginfo": info} if kind == "PNG" else {"comment": (text or "").encode()}
        Image.new("L", (3, 2), 99).save(buffer, kind, **options)
        put(f"picture/{name}", buffer.getvalue(), expected)
        return buffer.getvalue()

    good = image("right.png", None, text='{"steps": 3}')
    image("no_recipe.png", None)
    image("other_comment.gif", None, "GIF", "made elsewhere")
    put("picture/empty.png", b"", "is empty or cut short")
    put("picture/signature_alone.png", good[:8], "cut short")
    put("picture/cut.png", good[:50], "cut short")
    flipped = bytearray(good)
    flipped[good.index(b"steps")] ^= 1
    put("picture/flipped.png", bytes(flipped), "is not an intact picture")
    put("picture/text.png", b"hello", "neither PNG nor GIF")
    put("picture/cut.gif", b"GIF89a\1\0", "cut short")
    huge = good[:8] + struct.pack(">I", 0x7FFFFFFF) + good[12:]
    put("picture/chunk_of_two_gigabytes.png", huge, "is")


if __name__ == "__main__":
    torch.manual_seed(0)
    make_safetensors()
    make_bin()
    make_configs()
    make_pictures()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(EXPECTED)} files, {sum((HERE / n).stat().st_size for n in EXPECTED) / 1e3:.0f} kB")

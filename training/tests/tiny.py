"""A training that takes a second: 40 pictures of noise, 16x16, and a network of one resnet per level."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import checkpoint
import sets
import train


class TinyTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8)
        facts = dict(title="noise", source="a test", licence="none")
        with contextlib.redirect_stdout(io.StringIO()):
            sets.save(self.folder, "noise", images, facts, np.linspace(0.1, 1, 40))

    def arguments(self, run, images, *more):
        words = f"--data {self.folder}/noise.npz --run {self.folder}/{run} --images {images} --base 32 --mult 1,1 --layers 1 --batch 4 --no-compile"
        return [*words.split(), *more]

    def train(self, *args):
        with contextlib.redirect_stdout(io.StringIO()):
            return train.main(self.arguments(*args))

    def assert_same(self, a, b):
        self.assertEqual(a["profiles"].keys(), b["profiles"].keys())
        for part in ("net", "ema", *a["profiles"]):
            expected, got = checkpoint.weights(a, part), checkpoint.weights(b, part)
            for name, value in expected.items():
                self.assertTrue(torch.equal(value, got[name]), f"{part} {name}")
        self.assertEqual((a["steps"], a["images"]), (b["steps"], b["images"]))

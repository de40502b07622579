"""The distance against closed forms, sums of features that are killed and go on, the table."""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

import card
import fid
import fid_table
import inception
from files import TrainingError

HERE = Path(__file__).resolve().parent.parent


class FidTest(unittest.TestCase):
    def test_distance_of_known_gaussians(self):
        # Diagonal covariances commute: the distance is |m|^2 + sum (sqrt a - sqrt b)^2.
        a, b = np.array([1.0, 4.0, 9.0]), np.array([4.0, 4.0, 1.0])
        got = fid.frechet((np.zeros(3), np.diag(a)), (np.array([1.0, 2.0, 0.0]), np.diag(b)))
        self.assertAlmostEqual(got, 5 + 1 + 0 + 4)

    def test_distance_of_rotated_gaussians(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(40, 6))
        a, b = fid.statistics(x), fid.statistics(y)
        # The trace of the square root of a product is the sum of the roots of its eigenvalues, whatever its symmetry.
        root = np.sqrt(np.linalg.eigvals(a[1] @ b[1]).real.clip(0)).sum()
        expected = np.square(a[0] - b[0]).sum() + np.trace(a[1] + b[1]) - 2 * root
        self.assertAlmostEqual(fid.frechet(a, b), expected, places=8)
        self.assertAlmostEqual(fid.frechet(a, a), 0, places=8)

    def test_statistics_add_up(self):
        """In parts as at once, a picture of weight 2 as one that is there twice, weights of 1 as numpy's covariance."""
        rng = np.random.default_rng(1)
        found, weights = rng.normal(3, 1, (30, 5)), np.ones(30)
        parts = fid.Moments()
        for part in (slice(0, 7), slice(7, 30)):
            parts.add(found[part], weights[part])
        for got, expected in zip(parts.statistics(), (found.mean(0), np.cov(found, rowvar=False))):
            np.testing.assert_allclose(got, expected, atol=1e-12)
        weights[:10] = 2
        twice, weighted = np.concatenate([found, found[:10]]), fid.Moments()
        weighted.add(found, weights)
        mean, covariance = weighted.statistics()
        np.testing.assert_allclose(mean, twice.mean(0), atol=1e-12)
        np.testing.assert_allclose(covariance * (1 - (weights**2).sum() / 40**2), np.cov(twice, rowvar=False, ddof=0), atol=1e-12)

    def test_features_go_on_after_a_kill(self):
        """With a network of our own, killed in the middle: the sums are those of an uninterrupted run, and no other set's are taken."""
        rng = np.random.default_rng(2)
        images, weights, calls = rng.integers(0, 256, (230, 4, 4, 3), np.uint8), rng.random(230), []

        def features(part, *_):
            calls.append(len(part))
            if len(calls) == 4:
                raise KeyboardInterrupt
            return part.reshape(len(part), -1)[:, :6].astype(np.float64)

        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(inception, "features", features),
            mock.patch.object(fid, "KEEP_SECONDS", 0),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            keep = Path(folder) / "a.part.npz"
            with self.assertRaises(KeyboardInterrupt):
                fid.moments(images, weights, keep=keep)
            got = fid.moments(images, weights, keep=keep)
            self.assertEqual(calls, [50, 50, 50, 50, 50, 30])
            expected = fid.moments(images, weights)
            for a, b in zip(got.statistics(), expected.statistics()):
                np.testing.assert_array_equal(a, b)
            with self.assertRaises(TrainingError):
                fid.moments(images[::-1].copy(), weights, keep=keep)

    def test_refuses_what_is_no_set(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.npz"
            for content in (b"", b"PK\x03\x04 torn", "npy", None):
                if content == "npy":  # under an .npz's name
                    with open(path, "wb") as file:
                        np.save(file, np.zeros((2, 4, 4, 3), np.uint8))
                elif content is None:
                    np.savez(path, images=np.zeros((2, 4, 4, 3), np.float32))
                else:
                    path.write_bytes(content)
                with self.assertRaises(TrainingError):
                    fid.pictures(path)

    def test_statistics_say_whose_they_are(self):
        """From a set with draws into a file and back; an empty set and a foreign file are refused."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(inception, "features", lambda x, *_: x.reshape(len(x), -1) / 1.0):
            a, b = Path(folder) / "a.npz", Path(folder) / "b.npz"
            images = np.random.default_rng(3).integers(0, 256, (5, 2, 2, 3), np.uint8)
            np.savez(a, images=images, draws=np.array([1, 1, 2, 1, 1], np.float32))
            with mock.patch.object(sys, "argv", ["fid.py", "features", str(a), str(b)]):
                fid.main()
            (mean, covariance), of = fid.statistics_of(b, "cpu")
            self.assertEqual(of, "a (5 pictures, each as often as it is drawn)")
            np.testing.assert_allclose(mean, images[[0, 1, 2, 2, 3, 4]].reshape(6, -1).mean(0))
            self.assertEqual(covariance.shape, (12, 12))
            self.assertEqual(fid.statistics_of(a, "cpu", first=2)[1], "a (2 pictures)")
            np.savez(a, images=images[:0])
            with self.assertRaises(TrainingError):
                fid.statistics_of(a, "cpu")

    def test_samples_take_the_precision_of_what_they_are_compared_with(self):
        """Features remember theirs, the samples' network is asked for the same, and features of two precisions are not compared."""
        asked = []

        def features(x, device, precision):
            asked.append(precision)
            return x.reshape(len(x), -1) / 1.0

        with tempfile.TemporaryDirectory() as folder, mock.patch.object(inception, "features", features):
            a, f32, bf16 = (Path(folder) / f"{name}.npz" for name in ("a", "f32", "bf16"))
            images = np.random.default_rng(4).integers(0, 256, (5, 2, 2, 1), np.uint8)
            np.savez(a, images=images)
            for out, options in ((f32, []), (bf16, ["--precision", "bf16"])):
                with mock.patch.object(sys, "argv", ["fid.py", "features", str(a), str(out), *options]):
                    fid.main()
            references = [fid.Reference.read(path) for path in (f32, bf16, a)]
            self.assertEqual([reference.precision for reference in references], ["f32", "bf16", "f32"])
            self.assertEqual(references[1].of, "a (5 pictures; Inception in bf16)")
            for reference in references[:2]:
                self.assertAlmostEqual(reference.distance(images), 0, places=2)  # of traces of some 10,000
            self.assertEqual(asked, ["f32", "bf16", "f32", "f32", "bf16"])
            with mock.patch.object(sys, "argv", ["fid.py", "distance", str(f32), str(bf16)]), self.assertRaisesRegex(TrainingError, "one precision"):
                fid.main()

    def test_a_cell_samples_with_etude(self):
        """A stand-in for `etude` writes pictures and what it was asked for; its error comes through in one line."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(inception, "features", lambda x, *_: x.reshape(len(x), -1) / 1.0):
            etude, asked = Path(folder) / "etude", Path(folder) / "asked"
            program = f"""#!{sys.executable}
import sys, numpy
open({str(asked)!r}, "w").write(" ".join(sys.argv[1:-1]))
if "--sigma-hat" in sys.argv: sys.exit("error: no such model")
numpy.savez(sys.argv[-1], arr_0=numpy.arange(24, dtype=numpy.uint8).reshape(2, 2, 2, 3))
"""
            etude.write_text(program)
            etude.chmod(0o755)
            args = argparse.Namespace(etude=etude, folder="m", preset="etude", tau="linear", clip=True, samples=2, batch=16, precision="bf16", seed=3)
            images = np.arange(24.0).reshape(2, 12)
            self.assertAlmostEqual(fid_table.cell(args, "10", "0.5", fid.Reference(fid.statistics(images), "two")), 0, places=3)  # of traces of 864
            expected = "sample --model m --preset etude --tau linear --steps 10 --eta 0.5 --clip --count 2 --batch 16 --precision bf16 --seed 3 --noise-seed 3 --out"
            self.assertEqual(asked.read_text(), expected)
            args.clip = False
            with self.assertRaisesRegex(TrainingError, "^etude sample: no such model$"):
                fid_table.cell(args, "10", "sigma-hat", None)
            self.assertIn("--steps 10 --sigma-hat --no-clip --count", asked.read_text())
            args.etude = Path(folder) / "nowhere"
            with self.assertRaisesRegex(TrainingError, "not found; build it"):
                fid_table.cell(args, "10", "0", None)

    def test_the_floor_draws_as_training_does(self):
        """Of two kinds of picture, one drawn three times as often: the drawn ones' distance from exactly that mixture is small."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(inception, "features", lambda x, *_: x.reshape(len(x), -1) / 1.0):
            path, images = Path(folder) / "a.npz", np.zeros((2, 1, 1, 3), np.uint8)
            images[1] = 4
            np.savez(path, images=images, draws=np.array([3, 1], np.float32))
            mixed = fid.Reference(fid.statistics(np.repeat(images, [300, 100], 0).reshape(400, 3) / 1.0), "mixed")
            self.assertLess(fid_table.floor(path, 4000, mixed), 0.01)
            np.savez(path, images=images)  # alike: means of 2 where 1 is expected, in three channels
            self.assertAlmostEqual(fid_table.floor(path, 4000, mixed), 3 * (1 + (2 - np.sqrt(3)) ** 2), delta=0.2)

    def test_a_table_goes_on_and_into_the_card(self):
        """With an `etude` and an Inception network of our own: the order of cells, what is kept, what the card says."""
        with tempfile.TemporaryDirectory() as folder:
            model, calls, floors = Path(folder) / "model", [], [5.0]
            other = dict(samples=1, reference="other", how="once", table={"10": {"0": 99.0}})
            card.write(model, json.loads((HERE.parent / "assets/models/fashion/card.json").read_text()) | {"fid": other})

            def cell(args, steps, eta, *_):
                calls.append((steps, eta))
                if len(calls) == 3:
                    raise TrainingError("the disk is full")
                return 10.0 * len(calls)

            argv = ["fid_table.py", str(model), "toy.npz", "--steps", "10,20", "--etas", "0,sigma-hat", "--samples", "7"]
            argv += ["--data", "plain/toys.npz"]
            with (
                mock.patch.object(fid_table, "cell", cell),
                mock.patch.object(fid_table, "floor", lambda *_: floors.pop()),
                mock.patch.object(fid.Reference, "read", lambda *_: fid.Reference(None, "toys (3 pictures)")),
                mock.patch.object(sys, "argv", argv),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                with self.assertRaises(TrainingError):
                    fid_table.main()
                fid_table.main()
                self.assertEqual(calls, [("10", "0"), ("10", "sigma-hat"), ("20", "0"), ("20", "0"), ("20", "sigma-hat")])
                for steps in ("10", "100"):
                    argv[argv.index("--steps") + 1 :] = [steps, "--etas", "0,1", "--samples", "7", "--seed", "2"]
                    fid_table.main()
            facts = card.read(model)["fid"]
            self.assertEqual(facts["table"], {"10": {"0": 10.0, "sigma-hat": 20.0}, "20": {"0": 40.0, "sigma-hat": 50.0}})
            self.assertEqual((facts["samples"], facts["reference"]), (7, "toys (3 pictures)"))
            self.assertIn("| 20 | 40.00 (6.84) | – (18.36) | 50.00 (133.37) |", (model / "README.md").read_text())
            self.assertIn("as many pictures of the data itself have 5.00, `--data toys.npz`", (model / "README.md").read_text())
            self.assertEqual(facts["seeds"], {"2": {"10": {"0": 60.0, "1": 70.0}, "100": {"0": 80.0, "1": 90.0}}})
            self.assertIn("| 10, seed 2 | 60.00 | 70.00 | – |\n| 100, seed 2 | 80.00 | 90.00 | – |", (model / "README.md").read_text())
            self.assertIn("| S | η = 0 | η = 1 | σ̂ |", (model / "README.md").read_text())
            # In another precision it is another table, and says so.
            with (
                mock.patch.object(fid_table, "cell", lambda *_: 3.0),
                mock.patch.object(fid.Reference, "read", lambda *_: fid.Reference(None, "toys (3 pictures)")),
                mock.patch.object(sys, "argv", [*argv[:3], "--steps", "20", "--etas", "0", "--samples", "7", "--precision", "bf16"]),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                fid_table.main()
            self.assertEqual(card.read(model)["fid"]["table"], {"20": {"0": 3.0}})
            self.assertIn("x̂0 clipped, bf16; `fid_table.py", (model / "README.md").read_text())
            self.assertIn("--clip --precision bf16`", (model / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()

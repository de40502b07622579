"""TensorFlow's enlargement against hand-made values; the compiled network against the TorchScript it comes from."""

import unittest

import numpy as np
import torch

import inception


class InceptionTest(unittest.TestCase):
    def test_enlarges_as_tensorflow_1(self):
        x = torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]])
        expected = torch.tensor([[0, 2, 4, 4], [4, 6, 8, 8], [8, 10, 12, 12], [8, 10, 12, 12]], dtype=torch.float32)
        self.assertTrue(torch.equal(inception.enlarge(x, 4)[0, 0], expected))

    @unittest.skipUnless((inception.cache() / inception.MEMBER).exists(), "fid.py has not downloaded the network yet")
    def test_compiled_as_the_original(self):
        """Also that pictures of zeros, which fill a batch, change nothing."""
        images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
        got = inception.features(images)
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            expected = torch.jit.load(inception.downloaded()).eval()((inception.enlarge(x) - 128) / 128).double().numpy()
        self.assertEqual(got.shape, (3, inception.FEATURES))
        self.assertGreater(expected.std(), 0.1)
        np.testing.assert_allclose(got, expected, atol=1e-4)


if __name__ == "__main__":
    unittest.main()

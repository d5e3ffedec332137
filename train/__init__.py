"""Makes a bundle: the cycle of GAN and inverse graphics, in PyTorch."""

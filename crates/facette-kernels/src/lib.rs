//! Convolution, normalisation and GEMM kernels, chosen at run time for the core at hand.

//! Networks: the registry of architectures, and a trainable executor with taps at every stage.

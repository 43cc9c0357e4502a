//! What a network is, without a tensor framework: its graph, its counts, its card and its student file.

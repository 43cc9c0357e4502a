//! Where pictures, identities, pairs and two-view batches come from.
